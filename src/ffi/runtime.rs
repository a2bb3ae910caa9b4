//! Where the core's futures run: on the thread that calls, with no thread of our own behind it.

use super::guard::{Failure, Result};
use super::{process, sigpipe};
use crate::Client;
use crate::{Error, ErrorKind};
use once_cell::sync::OnceCell;
use std::future::Future;
use std::mem::ManuallyDrop;
use std::pin::pin;
use std::sync::Arc;
use tokio::runtime::{Builder, Handle, Runtime};

/// A client, its runtime, and the process that they belong to. Pagers and queues hold on to it.
#[derive(Clone)]
pub(super) struct Engine(Arc<Inner>);

struct Inner {
    client: ManuallyDrop<Client>,
    runtime: ManuallyDrop<OnceCell<Runtime>>,
    process: libc::pid_t,
}

impl Engine {
    pub(super) fn new(client: Client) -> Self {
        Engine(Arc::new(Inner {
            client: ManuallyDrop::new(client),
            runtime: ManuallyDrop::new(OnceCell::new()),
            process: process::current(),
        }))
    }

    pub(super) fn client(&self) -> &Client {
        &self.0.client
    }

    /// Whether this process and this thread may make calls that can wait.
    pub(super) fn check(&self) -> Result<()> {
        if self.0.process != process::current() {
            return Err(Failure::Fork);
        }
        if Handle::try_current().is_ok() {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                "call: a callback of the library must not make a call that can wait",
            )
            .into());
        }
        Ok(())
    }

    /// Runs `work` to its end on this thread.
    pub(super) fn run<T>(&self, work: impl Future<Output = T>) -> Result<T> {
        self.check()?;
        let runtime = self.0.runtime.get_or_try_init(|| {
            Builder::new_current_thread()
                .enable_all()
                .build()
                .map_err(|e| Error::new(ErrorKind::Internal, format!("no event loop: {e}")))
        })?;
        let _held_back = sigpipe::HeldBack::new();
        // A call is large, and the runtime would move it more than once.
        let work = pin!(work);
        Ok(runtime.block_on(async {
            notice_closed_connections().await;
            work.await
        }))
    }
}

/// Between calls nobody drives the connections. One turn of the event loop tells the ones that the service has closed
/// meanwhile: such a one gives a request back, before any of it is written, for another connection to take.
async fn notice_closed_connections() {
    tokio::task::yield_now().await;
}

impl Drop for Inner {
    fn drop(&mut self) {
        // In a forked child the event loop and the connections belong to the parent: let them be.
        if self.process == process::current() {
            unsafe { ManuallyDrop::drop(&mut self.client) };
            if let Some(runtime) = unsafe { ManuallyDrop::take(&mut self.runtime) }.into_inner() {
                runtime.shutdown_background();
            }
        }
    }
}
