"""Running an experiment: its trials one after another, each with fresh processes, sealed as it ends (`run`, `trial`)."""
