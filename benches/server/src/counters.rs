//! The numbers of requests and actions since the start, by which the work of clients is compared.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

#[derive(Default)]
pub struct Counters {
    requests: AtomicU64,
    actions: AtomicU64,
    action_bytes: AtomicU64,
}

impl Counters {
    pub fn count_request(&self) {
        self.requests.fetch_add(1, Relaxed);
    }

    pub fn count_actions(&self, actions: usize, bytes: usize) {
        self.actions.fetch_add(actions as u64, Relaxed);
        self.action_bytes.fetch_add(bytes as u64, Relaxed);
    }

    pub fn to_json(&self) -> String {
        format!(
            r#"{{"requests":{},"actions":{},"action_bytes":{}}}"#,
            self.requests.load(Relaxed),
            self.actions.load(Relaxed),
            self.action_bytes.load(Relaxed)
        )
    }
}
