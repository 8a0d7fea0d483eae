"""The documentation site: docs/ and pages made from the code, built by zensical, every link checked."""
