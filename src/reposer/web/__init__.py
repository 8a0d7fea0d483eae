"""The page: one web server of this machine, for `reposer web` and for studies. Nothing leaves the machine."""
