"""The command line and its main job: from data to fitted models, a table and one report."""
