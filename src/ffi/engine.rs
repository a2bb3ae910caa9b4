//! A client with its driver, and calls that run on the driver while the calling thread waits.

use super::callback::{is_in_callback, run_callback};
use super::driver::{Driver, Outbox};
use super::guard::{Failure, Result};
use super::mailbox::{Inbox, Lost, Mailbox};
use super::process::OfProcess;
use crate::{CallOptions, Client, Counters, Error, ErrorKind};
use futures_util::FutureExt;
use once_cell::sync::OnceCell;
use std::future::Future;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::sync::Arc;

/// A client and its driver. Listings and queues share it; the driver ends when the last of them is dropped.
#[derive(Clone)]
pub(super) struct Engine(Arc<OfProcess<Inner>>);

/// The fields are dropped in this order. After the driver nothing else uses the client, so its callbacks are destroyed
/// on the thread that frees the last handle.
struct Inner {
    driver: OnceCell<Driver>,
    client: Client,
    outbox: OwnOutbox,
}

struct OwnOutbox(Arc<Outbox>);

impl Drop for OwnOutbox {
    fn drop(&mut self) {
        self.0.run_destructors();
    }
}

impl Engine {
    /// Makes an engine without a thread, which the first call starts.
    pub(super) fn new(client: Client) -> Self {
        Engine(Arc::new(OfProcess::new(Inner {
            driver: OnceCell::new(),
            client,
            outbox: OwnOutbox(Arc::default()),
        })))
    }

    /// The client. Fails in a child of the process that made it, where its locks may be held for ever.
    pub(super) fn client(&self) -> Result<&Client> {
        match self.0.is_usable() {
            true => Ok(&self.0.client),
            false => Err(Failure::Fork),
        }
    }

    /// The counters, which take no lock and so can be read in any process.
    pub(super) fn counters(&self) -> &Counters {
        self.0.client.counters()
    }

    /// Checks that this process and this thread may make calls that can wait, and starts the driver if there is none
    /// yet. After this the start of a call cannot fail.
    pub(super) fn ready(&self) -> Result<Ready> {
        self.client()?;
        if is_in_callback() {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                "call: a callback of the library must not make a call that can wait",
            )
            .into());
        }
        let outbox = &self.0.outbox.0;
        self.0
            .driver
            .get_or_try_init(|| Driver::start(outbox.clone()))?;
        Ok(Ready(self.clone()))
    }

    /// Runs a call on the driver and waits until it ends. Meanwhile callbacks run on this thread.
    pub(super) fn run<T, F>(
        &self,
        options: CallOptions,
        work: impl FnOnce(Client, CallOptions) -> F,
    ) -> Result<T>
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        self.ready()?.run(options, work)
    }
}

/// A client whose driver is running.
pub(super) struct Ready(Engine);

impl Ready {
    /// Runs a call as [`Engine::run`] does. It fails only if a callback has forked and this is the child.
    pub(super) fn run<T, F>(
        self,
        mut options: CallOptions,
        work: impl FnOnce(Client, CallOptions) -> F,
    ) -> Result<T>
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        let mailbox = Mailbox::new();
        let inner = &self.0.0;
        let caller = Caller::join(&inner.outbox.0, mailbox.clone());
        options.forward_progress(|sink| {
            let inbox = caller.inbox.clone();
            move |progress| {
                let sink = sink.clone();
                inbox.put(Box::new(move || sink(progress)));
            }
        });
        let work = AssertUnwindSafe(work(inner.client.clone(), options)).catch_unwind();
        let for_end = mailbox.clone();
        let task = async move { for_end.end(work.await.map_err(Lost::Panicked)) };
        let driver = inner.driver.get().expect("`ready` has started the driver");
        driver.spawn(caller.inbox.clone(), task);
        let end = mailbox.wait();
        if matches!(end, Err(Lost::Forked)) {
            // The child's copy of these is leaked, since its locks may be held.
            std::mem::forget((caller, mailbox));
            return Err(Failure::Fork);
        }
        drop(caller);
        for task in mailbox.late_tasks() {
            run_callback(task);
        }
        inner.outbox.0.run_destructors();
        match end {
            Ok(value) => Ok(value),
            Err(Lost::Panicked(panic)) => resume_unwind(panic),
            Err(Lost::Forked) => Err(Failure::Fork),
        }
    }
}

/// The registration of a call with the outbox, for as long as the call runs.
struct Caller<'o> {
    outbox: &'o Outbox,
    inbox: Arc<dyn Inbox>,
}

impl<'o> Caller<'o> {
    fn join(outbox: &'o Outbox, inbox: Arc<dyn Inbox>) -> Self {
        outbox.join(inbox.clone());
        Caller { outbox, inbox }
    }
}

impl Drop for Caller<'_> {
    fn drop(&mut self) {
        self.outbox.leave(&self.inbox);
    }
}
