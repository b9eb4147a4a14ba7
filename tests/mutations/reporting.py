"""Mutants of what the tables claim."""

MUTANTS = {
    "mtnet_tf/reporting/paper_table_pages.py": (
        ("tests/reporting/test_paper_table.py",),
        (("else images / seconds", "else seconds / images"),),
    ),
    "mtnet_tf/reporting/recipe.py": (
        ("tests/reporting/test_recipe.py",),
        (("max(accuracies) if name == _OF_BEST", "max(accuracies) if False"),),
    ),
    "mtnet_tf/reporting/verdicts.py": (
        ("tests/reporting/test_verdicts.py",),
        (
            (" and finding.verdict != NOT_CLAIMED", ""),
            ("max(mean_and_deviation(x)[1] for x in (a, b))", "mean_and_deviation(b)[1]"),
        ),
    ),
}
