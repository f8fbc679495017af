//! Counters and timings for Prometheus, served on an address of their own.

use std::time::Duration;

use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, histogram::Histogram},
    registry::Registry,
};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Request {
    method: &'static str,
    route: String,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Notice {
    outcome: &'static str,
}

/// The service's metrics.
pub struct Metrics {
    registry: Registry,
    requests: Family<Request, Counter>,
    seconds: Histogram,
    panics: Counter,
    notices: Family<Notice, Counter>,
}

impl Metrics {
    /// Registers every metric.
    #[must_use]
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("preceptor");
        let requests = Family::<Request, Counter>::default();
        let buckets = [0.0001, 0.000_25, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 2.0, 10.0];
        let seconds = Histogram::new(buckets);
        let panics = Counter::default();
        let notices = Family::<Notice, Counter>::default();
        registry.register("requests", "Requests by method, route and status", requests.clone());
        registry.register("request_seconds", "Time from the request's head to its answer", seconds.clone());
        registry.register("handler_panics", "Panics caught in handlers", panics.clone());
        registry.register("notices", "Notices by mail: sent, failed (tried again), given_up", notices.clone());
        Self { registry, requests, seconds, panics, notices }
    }

    /// Counts one request.
    pub fn observe(&self, method: &'static str, route: &str, status: u16, elapsed: Duration) {
        self.requests.get_or_create(&Request { method, route: route.to_owned(), status }).inc();
        self.seconds.observe(elapsed.as_secs_f64());
    }

    /// Counts one caught panic.
    pub fn panicked(&self) {
        self.panics.inc();
    }

    /// Counts what became of a notice: `sent`, `failed` or `given_up`.
    pub fn noticed(&self, outcome: &'static str) {
        self.notices.get_or_create(&Notice { outcome }).inc();
    }

    /// All metrics in the text format of `OpenMetrics`.
    #[must_use]
    pub fn render(&self) -> String {
        let mut text = String::new();
        if encode(&mut text, &self.registry).is_err() {
            tracing::error!("metrics could not be written");
        }
        text
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}
