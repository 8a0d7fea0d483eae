"""Networks outside of eager torch: files of other runtimes, and the engines that run them."""
