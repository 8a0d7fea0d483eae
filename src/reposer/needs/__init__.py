"""What commands on photos, clips and folders of pictures will need of memory, before they begin. Of a training run
`training.memory` says it. The numbers are measured: `python -m benchmarks memory_model` compares them with
processes."""
