//! The journal of actions: what a program must have written down before an action is sent, to know after a crash what
//! became of it.

use super::outcome::Outcome;
use crate::error::Result;
use crate::model::command::Action;
use std::fmt;

/// Records the three moments of each action: accepted, about to be sent, settled. A set of pending actions numbers its
/// actions from 0 and has one journal, which it calls in this order:
///
/// | the journal has of an action | after a crash |
/// |---|---|
/// | accepted | it was not sent |
/// | accepted, about to be sent | it may have been applied |
/// | accepted, settled | it has the outcome recorded |
///
/// An action can be about to be sent several times: in several requests, or again after it was refused together with
/// others, or put back by a call that was given up. The methods run on the thread that drives the call, and a call waits
/// for them; they return once the record would outlast a crash.
pub(crate) trait Journal: fmt::Debug + Send + Sync {
    /// Records actions that come in together, numbered from `first` on. After an error the call that brings them fails
    /// and has done nothing: none of them is in the set.
    fn accepted<'a>(
        &mut self,
        first: usize,
        actions: &mut (dyn Iterator<Item = &'a Action> + 'a),
    ) -> Result<()>;

    /// Records that a request with these actions is about to be sent. After an error it is not sent: its actions end
    /// with that error, as not sent unless an earlier request with them may have been applied, and so do all further
    /// actions of the set.
    fn about_to_send(&mut self, actions: &mut dyn Iterator<Item = usize>) -> Result<()>;

    /// Records the outcome of an action. After an error the outcome stands, since it is true, and the caller gets it;
    /// but nothing more is sent, so that what the journal does not know stays as little as possible. An action without
    /// this record is one that may have been applied, which is true as well.
    fn settled(&mut self, action: usize, outcome: &Outcome) -> Result<()>;
}

/// The journal of programs that keep none.
#[derive(Debug)]
pub(crate) struct NoJournal;

impl Journal for NoJournal {
    fn accepted<'a>(
        &mut self,
        _: usize,
        _: &mut (dyn Iterator<Item = &'a Action> + 'a),
    ) -> Result<()> {
        Ok(())
    }

    fn about_to_send(&mut self, _: &mut dyn Iterator<Item = usize>) -> Result<()> {
        Ok(())
    }

    fn settled(&mut self, _: usize, _: &Outcome) -> Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::outcome::OutcomeKind;
    use super::super::scripted::{Does, Scripted, creating, joining, many, poll_times};
    use super::super::scripted::{SCRIPTS, mixed_actions};
    use super::*;
    use crate::call::Call;
    use crate::call::options::CallOptions;
    use crate::error::{Delivery, Error, ErrorKind};
    use crate::lock::lock;
    use std::collections::BTreeMap;
    use std::sync::{Arc, Mutex};

    /// A moment that a journal is told of.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
    enum Moment {
        Accepted,
        AboutToSend,
        Settled(Option<Kind>),
    }

    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
    enum Kind {
        Succeeded,
        Other,
    }

    use Kind::*;
    use Moment::*;

    #[derive(Debug, Default)]
    struct Record {
        /// The newest moment of each action by its name.
        newest: BTreeMap<String, Moment>,
        names: Vec<String>,
        /// Which call of a method fails: the number of the call, from 0.
        fails: Option<(Moment, usize)>,
        calls: BTreeMap<Moment, usize>,
    }

    impl Record {
        fn may_fail(&mut self, moment: Moment) -> Result<()> {
            let calls = self.calls.entry(moment).or_default();
            *calls += 1;
            match self.fails == Some((moment, *calls - 1)) {
                true => Err(Error::new(ErrorKind::Internal, "the disk is full")),
                false => Ok(()),
            }
        }
    }

    #[derive(Clone, Debug, Default)]
    struct Recorder(Arc<Mutex<Record>>);

    impl Recorder {
        fn failing(moment: Moment, call: usize) -> Self {
            let recorder = Recorder::default();
            lock(&recorder.0).fails = Some((moment, call));
            recorder
        }

        fn boxed(&self) -> Box<dyn Journal> {
            Box::new(self.clone())
        }

        fn newest(&self) -> BTreeMap<String, Moment> {
            lock(&self.0).newest.clone()
        }
    }

    impl Journal for Recorder {
        fn accepted<'a>(
            &mut self,
            first: usize,
            actions: &mut (dyn Iterator<Item = &'a Action> + 'a),
        ) -> Result<()> {
            let mut record = lock(&self.0);
            record.may_fail(Accepted)?;
            assert_eq!(first, record.names.len());
            for action in actions {
                let name = action.target().name().to_owned();
                record.newest.insert(name.clone(), Accepted);
                record.names.push(name);
            }
            Ok(())
        }

        fn about_to_send(&mut self, actions: &mut dyn Iterator<Item = usize>) -> Result<()> {
            let mut record = lock(&self.0);
            record.may_fail(AboutToSend)?;
            for action in actions {
                let name = record.names[action].clone();
                let before = record.newest.insert(name, AboutToSend);
                assert!(matches!(before, Some(Accepted | AboutToSend)));
            }
            Ok(())
        }

        fn settled(&mut self, action: usize, outcome: &Outcome) -> Result<()> {
            let mut record = lock(&self.0);
            record.may_fail(Settled(None))?;
            let kind = match outcome.kind {
                OutcomeKind::Succeeded => Succeeded,
                _ => Other,
            };
            let name = record.names[action].clone();
            assert_eq!(name, outcome.target.name());
            let before = record.newest.insert(name, Settled(Some(kind)));
            assert!(matches!(before, Some(Accepted | AboutToSend)));
            Ok(())
        }
    }

    #[tokio::test]
    async fn a_crash_at_any_moment_leaves_a_truthful_journal() {
        for script in SCRIPTS {
            for times in 0.. {
                let service = Scripted::new(script);
                let (dispatcher, _) = service.dispatcher();
                let recorder = Recorder::default();
                let actions = mixed_actions();
                let call = Call::begin(&CallOptions::new());
                let pending = dispatcher.pending_with(recorder.boxed());
                let execution = dispatcher.execute_in(pending, &call, &actions);
                let is_over = poll_times(execution, times).is_some();
                let seen = service.seen();
                for (name, moment) in recorder.newest() {
                    let changed = seen.changed.get(&name).copied().unwrap_or(0);
                    let fits = match moment {
                        Accepted => changed == 0 && !is_over,
                        AboutToSend => !is_over,
                        Settled(Some(Succeeded)) => changed > 0,
                        Settled(_) => true,
                    };
                    assert!(fits, "{name}: {moment:?}, changed {changed} times");
                }
                if is_over {
                    assert_eq!(recorder.newest().len(), actions.len());
                    break;
                }
            }
        }
    }

    #[tokio::test]
    async fn actions_that_are_not_recorded_are_not_accepted() {
        let service = Scripted::new(&[]);
        let (dispatcher, counters) = service.dispatcher();
        let call = Call::begin(&CallOptions::new());
        let recorder = Recorder::failing(Accepted, 0);
        let pending = dispatcher.pending_with(recorder.boxed());
        let refused = dispatcher.execute_in(pending, &call, &many(25)).await;
        assert_eq!(refused.unwrap_err().message(), "the disk is full");
        assert_eq!(service.seen().requests, 0);

        let recorder = Recorder::failing(Accepted, 1);
        let mut queue = dispatcher.pending_with(recorder.boxed()).of_queue();
        dispatcher.add(&mut queue, &joining(0)).unwrap();
        dispatcher.add(&mut queue, &joining(1)).unwrap_err();
        dispatcher.add(&mut queue, &joining(2)).unwrap();
        assert_eq!((queue.pending(), counters.actions_queued()), (2, 2));
        dispatcher.send_all(&call, &mut queue).await;
        let outcomes = queue.outcomes().take();
        let names: Vec<_> = outcomes.iter().map(|o| o.target.name()).collect();
        assert_eq!(names, ["safe0@example.com", "safe2@example.com"]);
    }

    #[tokio::test]
    async fn a_request_that_is_not_recorded_is_not_sent_and_neither_is_anything_after_it() {
        let service = Scripted::new(&[]);
        let (dispatcher, counters) = service.dispatcher();
        let call = Call::begin(&CallOptions::new());
        let recorder = Recorder::failing(AboutToSend, 1);
        let pending = dispatcher.pending_with(recorder.boxed());
        let outcomes = dispatcher.execute_in(pending, &call, &many(35)).await;
        let outcomes = outcomes.unwrap();
        assert_eq!((service.seen().requests, counters.actions_sent()), (1, 10));
        for (number, outcome) in outcomes.iter().enumerate() {
            let error = outcome.error.as_ref();
            match number < 10 {
                true => assert_eq!(outcome.kind, OutcomeKind::Succeeded),
                false => {
                    assert_eq!(outcome.kind, OutcomeKind::NotSent);
                    assert_eq!(error.unwrap().message(), "the disk is full");
                    assert_eq!(error.unwrap().delivery(), Delivery::NotSent);
                }
            }
        }
        let settled = recorder.newest().into_values();
        assert!(
            settled
                .into_iter()
                .all(|moment| matches!(moment, Settled(_)))
        );
    }

    #[tokio::test]
    async fn a_repeat_that_is_not_recorded_leaves_what_was_lost_unknown() {
        let service = Scripted::new(&[Does::IsLost]);
        let (dispatcher, _) = service.dispatcher();
        let call = Call::begin(&CallOptions::new());
        let recorder = Recorder::failing(AboutToSend, 1);
        let pending = dispatcher.pending_with(recorder.boxed());
        let actions = [joining(1), creating(2)];
        let outcomes = dispatcher.execute_in(pending, &call, &actions).await;
        let told: Vec<_> = outcomes
            .unwrap()
            .into_iter()
            .map(|outcome| (outcome.kind, outcome.error.unwrap()))
            .map(|(kind, error)| (kind, error.delivery(), error.kind()))
            .collect();
        use {Delivery::Unknown, ErrorKind::*};
        let unknown = OutcomeKind::Unknown;
        assert_eq!(
            told,
            [(unknown, Unknown, Internal), (unknown, Unknown, Server)]
        );
        assert_eq!(service.seen().requests, 1);
    }

    #[tokio::test]
    async fn an_outcome_that_is_not_recorded_is_told_and_nothing_more_is_sent() {
        let service = Scripted::new(&[]);
        let (dispatcher, _) = service.dispatcher();
        let call = Call::begin(&CallOptions::new());
        let recorder = Recorder::failing(Settled(None), 3);
        let mut queue = dispatcher.pending_with(recorder.boxed()).of_queue();
        for action in many(25) {
            dispatcher.add(&mut queue, &action).unwrap();
        }
        dispatcher.send_all(&call, &mut queue).await;
        let outcomes = queue.outcomes().take();
        let of = |kind| outcomes.iter().filter(|o| o.kind == kind).count();
        assert_eq!(
            (of(OutcomeKind::Succeeded), of(OutcomeKind::NotSent)),
            (10, 15)
        );
        assert_eq!(service.seen().requests, 1);
        let left = recorder.newest().into_values();
        let left: Vec<_> = left.filter(|m| !matches!(m, Settled(_))).collect();
        assert_eq!(
            left,
            [AboutToSend],
            "after a crash it may have been applied"
        );

        dispatcher.add(&mut queue, &joining(99)).unwrap();
        dispatcher.send_all(&call, &mut queue).await;
        let later = queue.outcomes().take();
        assert_eq!(later[0].kind, OutcomeKind::NotSent);
        assert_eq!(
            later[0].error.as_ref().unwrap().message(),
            "the disk is full"
        );
    }
}
