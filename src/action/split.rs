//! An action becomes entries that keep the service's limits: long lists become steps, many steps become entries.

use crate::json::text::SharedText;
use crate::model::body::push_text;
use crate::model::command::{Action, Command, Key, Target, Verb};

/// How much goes into one request, entry and step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchLimits {
    /// Documented: at most 10.
    pub entries_per_request: usize,
    /// 10 is the figure of Adobe's own client; the documentation gives none.
    pub steps_per_entry: usize,
    /// Documented: 10; the service has been seen to take 20.
    pub names_per_step: usize,
}

impl Default for BatchLimits {
    fn default() -> Self {
        BatchLimits {
            entries_per_request: 10,
            steps_per_entry: 10,
            names_per_step: 10,
        }
    }
}

/// One element of a request: one target and some steps for it.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// Which action of the batcher's owner this belongs to.
    pub action: usize,
    pub steps: Vec<Step>,
    /// How many of the action's commands are done once this entry is applied.
    pub completes: usize,
    /// What the entry changes as a whole: nothing else about it may share the request.
    pub writes: Vec<Key>,
    /// What the entry relies on: nothing that changes it may share the request.
    pub reads: Vec<Key>,
    pub replay_safe: bool,
    /// Only one of these works in a request.
    pub deletes_group: bool,
    owner: Action,
}

/// One step on the wire, and the caller's command that it is or is a part of.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub command: usize,
    pub json: SharedText,
    /// What a part of a command mentions; `None` for a whole command.
    mentions: Option<Vec<Key>>,
}

impl Step {
    fn mentions<'a>(&'a self, owner: &'a Action) -> &'a [Key] {
        match &self.mentions {
            Some(mentions) => mentions,
            None => owner.commands()[self.command].mentions(),
        }
    }
}

/// The entries of `action`, in the order in which they must be sent.
pub(crate) fn split(action: &Action, number: usize, limits: &BatchLimits) -> Vec<Entry> {
    let mut steps = Vec::with_capacity(action.commands().len());
    for (position, command) in action.commands().iter().enumerate() {
        push_steps(&mut steps, position, command, limits.names_per_step);
    }
    if steps.len() <= limits.steps_per_entry {
        return vec![entry(action, number, steps, action.commands().len())];
    }
    let mut entries = Vec::with_capacity(steps.len().div_ceil(limits.steps_per_entry));
    let mut steps = steps.into_iter().peekable();
    while steps.peek().is_some() {
        let own = steps.by_ref().take(limits.steps_per_entry).collect();
        let completes = steps
            .peek()
            .map_or(action.commands().len(), |step| step.command);
        entries.push(entry(action, number, own, completes));
    }
    entries
}

fn push_steps(steps: &mut Vec<Step>, position: usize, command: &Command, most: usize) {
    let step = |json, mentions| Step {
        command: position,
        json,
        mentions,
    };
    if command.verb() != Verb::Membership || command.names() <= most {
        return steps.push(step(command.shared_json(), None));
    }
    let parts = command.in_parts(most).into_iter();
    steps.extend(parts.map(|part| step(part.json, Some(part.mentions))));
}

fn entry(action: &Action, number: usize, steps: Vec<Step>, completes: usize) -> Entry {
    let commands = &action.commands()[steps[0].command..=steps[steps.len() - 1].command];
    let mentions = |step| Step::mentions(step, action);
    let mut writes = Vec::with_capacity(2);
    let mut reads = Vec::with_capacity(steps.iter().map(|step| mentions(step).len()).sum());
    writes.push(action.target().key());
    for step in &steps {
        match action.commands()[step.command].verb() {
            Verb::Membership => reads.extend_from_slice(mentions(step)),
            // A create or a rename brings names into being that others may be waiting for.
            _ => writes.extend_from_slice(mentions(step)),
        }
    }
    Entry {
        action: number,
        completes,
        writes,
        reads,
        replay_safe: is_replay_safe(commands),
        deletes_group: commands.iter().any(|c| c.verb() == Verb::DeleteGroup),
        steps,
        owner: action.clone(),
    }
}

/// Whether doing all of it twice ends, and is reported, like doing it once. What stands before a removal from the
/// organisation would find nobody the second time, unless it creates the user anew.
fn is_replay_safe(commands: &[Command]) -> bool {
    let removes = |command: &Command| command.verb() == Verb::RemoveFromOrg;
    let finds_nobody =
        commands.len() > 1 && commands.iter().any(removes) && commands[0].verb() != Verb::Create;
    commands.iter().all(Command::is_replay_safe) && !finds_nobody
}

/// The entry's JSON up to its first step.
fn push_head(json: &mut String, action: &Action) {
    let mut field = |name: &str, text: &str| {
        json.push_str(name);
        push_text(json, text);
    };
    match action.target() {
        Target::User {
            user,
            domain,
            use_adobe_id,
        } => {
            field("{\"user\":", user.as_str());
            if let Some(domain) = domain {
                field(",\"domain\":", domain);
            }
            if *use_adobe_id {
                json.push_str(",\"useAdobeID\":true");
            }
        }
        Target::UserGroup(name) => field("{\"usergroup\":", name.as_str()),
    }
    if let Some(id) = action.request_id() {
        json.push_str(",\"requestID\":");
        push_text(json, id);
    }
    json.push_str(",\"do\":[");
}

impl Entry {
    /// Appends the entry to the body of a request.
    pub(crate) fn push_json(&self, body: &mut String) {
        push_head(body, &self.owner);
        for (position, step) in self.steps.iter().enumerate() {
            if position > 0 {
                body.push(',');
            }
            body.push_str(step.json.as_str());
        }
        body.push_str("]}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(count: usize) -> Vec<String> {
        (0..count).map(|n| format!("G{n}")).collect()
    }

    #[test]
    fn lists_become_steps_and_steps_become_entries() {
        let mut action = Action::on_user("a@example.com", None).unwrap();
        action.set_request_id("r\"1").unwrap();
        action.add_to_groups(&names(95)).unwrap();
        action.remove_from_groups(&names(25)).unwrap();
        let entries = split(&action, 7, &BatchLimits::default());
        let commands: Vec<Vec<usize>> = entries
            .iter()
            .map(|e| e.steps.iter().map(|s| s.command).collect())
            .collect();
        assert_eq!(commands, [vec![0; 10], vec![1; 3]]);
        assert_eq!([entries[0].completes, entries[1].completes], [1, 2]);
        assert_eq!(entries[0].steps[9].json.as_str().matches("\"G9").count(), 5);
        let mut body = String::new();
        entries[1].push_json(&mut body);
        let json: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!(json["user"], "a@example.com");
        assert_eq!(json["requestID"], "r\"1");
        assert_eq!(
            json["do"][2]["remove"]["group"].as_array().unwrap().len(),
            5
        );
    }

    #[test]
    fn an_entry_of_a_long_list_waits_for_its_own_names_only() {
        let mut action = Action::on_user("a@example.com", None).unwrap();
        action.add_to_groups(&names(50_000)).unwrap();
        let entries = split(&action, 0, &BatchLimits::default());
        assert_eq!(entries.len(), 500);
        let mut reads = Vec::new();
        for entry in &entries {
            assert_eq!((entry.writes.len(), entry.reads.len()), (1, 100));
            reads.extend_from_slice(&entry.reads);
        }
        assert_eq!(reads, action.commands()[0].mentions());
    }

    #[test]
    fn an_adobe_id_and_a_domain_are_told() {
        let mut action = Action::on_user("jdoe", Some("example.com")).unwrap();
        action.set_use_adobe_id(true).unwrap();
        action.remove_from_all_groups().unwrap();
        let mut body = String::new();
        split(&action, 0, &BatchLimits::default())[0].push_json(&mut body);
        assert_eq!(
            body,
            r#"{"user":"jdoe","domain":"example.com","useAdobeID":true,"do":[{"remove":"all"}]}"#
        );
    }
}
