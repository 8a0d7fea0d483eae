"""What a generated picture or a flow is compared by during training. Every term is a mean over rows."""
