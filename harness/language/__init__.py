"""The scenario language ``ladder/v1``: YAML files to frozen values, with the line of everything kept."""
