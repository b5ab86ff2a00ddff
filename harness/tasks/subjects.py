"""MMLU's 57 subjects and their four categories, as Hendrycks et al. (2021) group them.

Trap: simple-evals groups alike, lm-eval counts anatomy as STEM, so STEM and Other are not comparable between them
(multilingual-mmlu.md section 2). The table's hash is in the signature of every score that uses it."""

import hashlib

STEM, HUMANITIES, SOCIAL, OTHER = "STEM", "Humanities", "Social Sciences", "Other"
_LISTS = {
    STEM: """abstract_algebra astronomy college_biology college_chemistry college_computer_science
        college_mathematics college_physics computer_security conceptual_physics electrical_engineering
        elementary_mathematics high_school_biology high_school_chemistry high_school_computer_science
        high_school_mathematics high_school_physics high_school_statistics machine_learning""",
    HUMANITIES: """formal_logic high_school_european_history high_school_us_history high_school_world_history
        international_law jurisprudence logical_fallacies moral_disputes moral_scenarios philosophy prehistory
        professional_law world_religions""",
    SOCIAL: """econometrics high_school_geography high_school_government_and_politics
        high_school_macroeconomics high_school_microeconomics high_school_psychology human_sexuality
        professional_psychology public_relations security_studies sociology us_foreign_policy""",
    OTHER: """anatomy business_ethics clinical_knowledge college_medicine global_facts human_aging management
        marketing medical_genetics miscellaneous nutrition professional_accounting professional_medicine virology""",
}
CATEGORIES: dict[str, str] = {subject: name for name, text in _LISTS.items() for subject in text.split()}
SUBJECTS = tuple(sorted(CATEGORIES))


def table_hash() -> str:
    """8 hex digits over the table."""
    return hashlib.sha256(repr(sorted(CATEGORIES.items())).encode()).hexdigest()[:8]


def subject_name(text: str) -> str:
    """`abstract_algebra` of `Abstract Algebra` and of `abstract_algebra_test.csv`: copies write subjects both ways."""
    name = "_".join(text.lower().removesuffix(".csv").split())
    for ending in ("_test", "_val", "_dev"):
        name = name.removesuffix(ending)
    return name
