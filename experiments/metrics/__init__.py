"""What a trial's sealed tables say: the ledger, the detections, rates, response times by stage, cost."""
