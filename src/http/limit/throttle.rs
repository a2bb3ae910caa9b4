//! The endpoint limiters of a client id, shared by all clients of the process that use it.

use super::endpoint_limiter::EndpointLimiter;
use super::rate_limit::RateLimits;
use crate::call::endpoint_class::EndpointClass;
use crate::lock::lock;
use crate::process::Process;
use once_cell::race::OnceBox;
use std::sync::{Arc, Mutex, Weak};

/// The limiters of one client id, one for each endpoint class. Clients of the process that use the same service, client id
/// and limits share them.
#[derive(Debug)]
pub(crate) struct Throttle([EndpointLimiter; EndpointClass::COUNT]);

/// The identity of a throttle: the service's root URL, the client id and the limits.
type Key = (String, String, RateLimits);

/// The throttles in use in one process. They are few, so a list holds them; it frees its memory with its last entry.
///
/// A child of a fork inherits the registry of its parent, whose lock another thread may have held, and whose throttles
/// wait for answers that only the parent receives. Each forked process therefore adds a registry of its own.
struct Registry {
    process: Process,
    in_use: Mutex<Vec<(Key, Weak<Throttle>)>>,
    /// The registry of a child of this process.
    of_child: OnceBox<Registry>,
}

static FIRST: OnceBox<Registry> = OnceBox::new();

impl Registry {
    /// The registry of this process.
    fn current() -> &'static Registry {
        let process = Process::current();
        let mut slot = &FIRST;
        loop {
            let registry = slot.get_or_init(|| {
                Box::new(Registry {
                    process,
                    in_use: Mutex::default(),
                    of_child: OnceBox::new(),
                })
            });
            if registry.process == process {
                return registry;
            }
            slot = &registry.of_child;
        }
    }
}

impl Drop for Throttle {
    fn drop(&mut self) {
        let mut in_use = lock(&Registry::current().in_use);
        in_use.retain(|(_, throttle)| throttle.strong_count() > 0);
        in_use.shrink_to_fit();
    }
}

impl Throttle {
    /// The throttle for this client id at this service: the existing one, or a new one.
    pub(crate) fn shared(root: &str, client_id: &str, limits: &RateLimits) -> Arc<Self> {
        let key = (root.to_owned(), client_id.to_owned(), limits.clone());
        let mut in_use = lock(&Registry::current().in_use);
        let found = in_use.iter().find(|(used, _)| *used == key);
        if let Some(throttle) = found.and_then(|(_, throttle)| throttle.upgrade()) {
            return throttle;
        }
        let throttle = Arc::new(Throttle::new(limits));
        in_use.push((key, Arc::downgrade(&throttle)));
        throttle
    }

    fn new(limits: &RateLimits) -> Self {
        Throttle(limits.each().map(EndpointLimiter::new))
    }

    /// The limiter of an endpoint class.
    pub(crate) fn limiter(&self, class: EndpointClass) -> &EndpointLimiter {
        &self.0[class as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_of_one_client_id_share_one_throttle() {
        let limits = RateLimits::default();
        let first = Throttle::shared("https://h", "id", &limits);
        assert!(Arc::ptr_eq(
            &first,
            &Throttle::shared("https://h", "id", &limits)
        ));
        assert!(!Arc::ptr_eq(
            &first,
            &Throttle::shared("https://h", "other", &limits)
        ));
    }
}
