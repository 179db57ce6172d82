"""What is done to records between their arrival and their destination.  AWS: Amazon Data Firehose API reference, Processor."""
