"""What AWS says and is told: events, queues, jobs, metrics."""
