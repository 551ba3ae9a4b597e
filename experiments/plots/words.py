"""What figures say, in English and in Spanish. Names of settings (batch_size) and of parts stand as they are in a config.

A phrase that is missing in a language is an error, not English by default: a figure in two languages serves nobody.
"""

from typing import Final

LANGUAGES: Final = ("en", "es")

PHRASES: Final = {
    "carried": ("carried load (records/s)", "carga cursada (registros/s)"),
    "carried_log": ("carried load (records/s, log scale)", "carga cursada (registros/s, escala log.)"),
    "marks": (
        "dot: a valid trial; cross: an invalid one, or its system died; tick: their mean; bar: its 95 % interval",
        "punto: ensayo válido; cruz: no válido, o el sistema murió; raya: su media; barra: su intervalo del 95 %",
    ),
    "n": ("n = {n}", "n = {n}"),
    "n_trials": ("trials a cell: n = {n}", "ensayos por celda: n = {n}"),
    "n_mixed": ("trials a cell: n = {low} to {high}", "ensayos por celda: n = {low} a {high}"),
    "n_none": ("n = 0 valid trials", "n = 0 ensayos válidos"),
    "no_interval": ("below 5 trials no interval", "con menos de 5 ensayos no hay intervalo"),
    "interval": ("95 % interval", "intervalo del 95 %"),
    "invalid": ("INVALID", "NO VÁLIDO"),
    "zeros": ("{count} carried nothing", "{count} sin cursar nada"),
    "some_invalid": ("{count} invalid", "no válidos: {count}"),
    "overloaded": ("overloaded", "sobrecargado"),
    "some_overloaded": ("{count} overloaded", "sobrecargados: {count}"),
    "only_cell": ("the only cell", "la única celda"),
    "cores": ("worker cores (count)", "núcleos de los workers (número)"),
    "proportional": ("in proportion to the cores", "en proporción a los núcleos"),
    "few_sizes": (
        "{count} sizes: too few to fit a law",
        "{count} tamaños: muy pocos para ajustar una ley",
    ),
    "amdahl": (
        "Amdahl's law: s = {serial_ratio}, over {n} trials",
        "ley de Amdahl: s = {serial_ratio}, sobre {n} ensayos",
    ),
    "usl": (
        "universal scalability law: s = {serial_ratio}, k = {crosstalk_ratio}, over {n} trials",
        "ley universal de escalabilidad: s = {serial_ratio}, k = {crosstalk_ratio}, sobre {n} ensayos",
    ),
    "proportional_children": ("in proportion to the children", "en proporción a los hijos"),
    "servers": (
        "worker children, emulated; worker cores, real (count, log scale)",
        "workers hijos, emulados; núcleos de los workers, reales (número, escala log.)",
    ),
    "emulated_title": (
        "EMULATED: a worker waits {service} ms a batch instead of computing",
        "EMULADO: un worker espera {service} ms por lote en vez de calcular",
    ),
    "emulated_series": ("emulated", "emulado"),
    "of_series": ("{series}: {what}", "{series}: {what}"),
    "real_series": ("real: {series}", "real: {series}"),
    "out_of_cores": (
        "not the system: the coordination has used up the real cores",
        "no el sistema: la coordinación ha agotado los núcleos reales",
    ),
    "valid_trial": ("valid trial", "ensayo válido"),
    "invalid_trial": ("invalid trial", "ensayo no válido"),
    "mean_interval": ("geometric mean, 95 % interval", "media geométrica, intervalo del 95 %"),
    "p99": (
        "99th percentile of the\nresponse time (ms, log scale)",
        "percentil 99 del\ntiempo de respuesta (ms, escala log.)",
    ),
    "system_cost": ("CPU of the system (µs a record)", "CPU del sistema (µs por registro)"),
    "frontier": ("frontier: nothing is better in both", "frontera: nada es mejor en ambas"),
    "response": ("response time\n(ms, log scale)", "tiempo de respuesta\n(ms, escala log.)"),
    "share": (
        "share of the records that took at most so long (%)",
        "proporción de registros que tardaron como mucho eso (%)",
    ),
    "spectrum_n": (
        "{trials}\n{records} records each at least; drawn as far as 20 records lie above",
        "{trials}\nal menos {records} registros cada uno; hasta donde quedan 20 registros por encima",
    ),
    "mean_time": ("mean time of a record (ms)", "tiempo medio de un registro (ms)"),
    "time_share": ("share of the mean (%)", "proporción de la media (%)"),
    "no_mean": ("no mean: records never finished", "sin media: hay registros sin terminar"),
    "batch_wait": ("batch wait", "espera del lote"),
    "send_lag": ("send lag", "retraso de envío"),
    "ingest": ("ingest", "ingesta"),
    "queue_wait": ("queue wait", "espera en cola"),
    "fetch": ("fetch", "recogida"),
    "scan": ("scan", "análisis"),
    "commit": ("commit", "confirmación"),
    "since_start": (
        "arrival of the record, since the load's begin (s)",
        "llegada del registro, desde el inicio de la carga (s)",
    ),
    "median": ("median", "mediana"),
    "p99_bin": ("99th percentile (bins of 2,000 records and more)", "percentil 99 (tramos de 2.000 registros o más)"),
    "slowest": ("slowest", "el más lento"),
    "first_panels": (
        "the first trials of {count} of {total} cells: the report's tables hold all",
        "primeros ensayos de {count} de {total} celdas: las tablas del informe los tienen todos",
    ),
    "unfinished": ("records that never finished", "registros sin terminar"),
    "warmup": ("warm-up", "calentamiento"),
    "fault": ("fault: {kind}", "fallo: {kind}"),
    "bin_n": ("n = {n} records a bin of {length} s (median)", "n = {n} registros por tramo de {length} s (mediana)"),
    "cpu": ("CPU time (µs a record)", "tiempo de CPU (µs por registro)"),
    "cpu_share": ("share of the CPU time (%)", "proporción del tiempo de CPU (%)"),
    "gateway": ("gateway", "gateway"),
    "broker": ("broker", "broker"),
    "workers": ("workers", "workers"),
    "worker_parents": ("worker parents", "workers, padres"),
    "worker_children": ("worker children", "workers, hijos"),
    "sweeper": ("sweeper", "sweeper"),
    "commits": ("commit on main, in the order of measuring", "commit de main, en el orden de medición"),
    "against": (
        "{metric}: head / reference {reference}",
        "{metric}: head / referencia {reference}",
    ),
    "more_better": ("more is better", "más es mejor"),
    "less_better": ("less is better", "menos es mejor"),
    "estimate_interval": (
        "Hodges-Lehmann estimate over pairs of slots, 95 % interval",
        "estimación de Hodges-Lehmann sobre pares, intervalo del 95 %",
    ),
    "step": ("one change a step", "un cambio por paso"),
    "times": ("× {ratio}", "× {ratio}"),
    "gain": ("carries more", "cursa más"),
    "loss": ("carries less", "cursa menos"),
    "supported": ("supported", "confirmada"),
    "refuted": ("refuted", "refutada"),
    "inconclusive": ("inconclusive", "sin decidir"),
    "times_as_good": (
        "times as good as the alternative (ratio of the trials' means, log scale)",
        "veces mejor que la alternativa (razón de las medias de los ensayos, escala log.)",
    ),
    "margin_marks": (
        "bar: 95 % interval over n blocks; line: widened for all verdicts together; tick: the margin fixed beforehand\n"
        "the whole line right of the tick: supported (circle); left of it: refuted (square); else inconclusive (diamond)",
        "barra: intervalo del 95 % sobre n bloques; línea: ampliado para todos; marca: el margen fijado de antemano\n"
        "la línea entera a su derecha: confirmada (círculo); a su izquierda: refutada (cuadrado); si no, sin decidir (rombo)",
    ),
    "all_trials": ("trials", "ensayos"),
}  # fmt: skip


class Words:
    """The phrases and numbers of one language."""

    def __init__(self, language: str = "en") -> None:
        """Raises: ValueError for a language that nobody has translated to."""
        if language not in LANGUAGES:
            raise ValueError(f"language must be one of {', '.join(LANGUAGES)}, got {language!r}")
        self.language = language
        self._place = LANGUAGES.index(language)

    def __call__(self, phrase: str, **values: object) -> str:
        """A phrase with its values put in. Raises: KeyError for one that isn't in the list."""
        return PHRASES[phrase][self._place].format(**values)

    def number(self, value: float, digits: int = 0) -> str:
        """A number with its thousands apart, as the language writes it: 1,234.5 or 1.234,5."""
        text = f"{value:,.{digits}f}"
        return text if self.language == "en" else text.translate(str.maketrans(",.", ".,"))

    def significant(self, value: float, digits: int = 3) -> str:
        """A number to so many significant digits, never in exponents: 0.0123, 12.3, 12,345; nothing at all is 0."""
        if not value:
            return "0"
        size = f"{abs(value):.{digits - 1}e}".partition("e")[2]
        return self.number(value, max(0, digits - 1 - int(size)))

    def plain(self, value: float) -> str:
        """A number with the decimals that it has, six at most: for ticks."""
        text = f"{value:.6f}".rstrip("0")
        return self.number(value, len(text.partition(".")[2]))

    def trials(self, counts: list[int]) -> str:
        """How many trials the points are over: the same number everywhere, or the least and the most."""
        low, high = (min(counts), max(counts)) if counts else (0, 0)
        said = self("n_trials", n=low) if low == high else self("n_mixed", low=low, high=high)
        return said if low >= 5 else f"{said}\n{self('no_interval')}"
