//! All state of the sandbox, behind one lock, so that what was done agrees with what the control API reports.

use crate::action::{self, Rules};
use crate::faults::Faults;
use crate::ims::{Client, JwtKey, Tokens};
use crate::limits::Throttle;
use crate::options::{AfterRefusal, AlreadyMember, EncodedSlash, GroupName, Limits, Options};
use crate::org::{self, Org, Snapshot};
use crate::read::{Paging, PastTheEnd};
use crate::reply::Reply;
use crate::route::Endpoint;
use serde::Serialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::watch;

pub const ORG_ID: &str = "12345ABCDE@AdobeOrg";
pub const CLIENT_ID: &str = "sandbox-client-id";
pub const CLIENT_SECRET: &str = "p8e-sandbox+secret/&=%";
pub const TECH_ACCT_ID: &str = "7A1B2C3D@techacct.adobe.com";

pub struct Sandbox {
    pub options: Options,
    initial_org: Snapshot,
    initial_settings: Settings,
    state: Mutex<State>,
    pub started: Instant,
    /// Connections are refused until the instant that it holds, if any.
    pub refusing_until: watch::Sender<Option<Instant>>,
    pub is_listening: AtomicBool,
}

/// What `POST /settings` of the control API can change while the sandbox runs.
#[derive(Clone, Debug, Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    pub page_size: usize,
    pub latency_ms: u64,
    pub token_ttl_s: u64,
    /// Whether an error's `step` is a text, as documented, or a number, as observed.
    pub step_as_text: bool,
    /// How many seconds the server's clock is ahead.
    pub date_offset_s: i64,
    pub entries_per_request: usize,
    pub names_per_list: usize,
    /// Whether listings carry `X-Total-Count`, `X-Page-Count`, `X-Current-Page` and `X-Page-Size`.
    pub page_headers: bool,
    pub past_the_end: PastTheEnd,
    // The questions that the documentation leaves open.
    pub already_member: AlreadyMember,
    pub after_refusal: AfterRefusal,
    pub encoded_slash: EncodedSlash,
    pub group_name: GroupName,
    /// The largest number of members of a user group.
    pub most_members: usize,
    /// The shortest time between two listings of all users, or of all groups; 0 is no limit.
    pub full_listing_every_ms: u64,
    /// New connections hang before they are served, TLS handshake included.
    pub hold_connections: bool,
    /// The client id that is accepted. A change leaves the tokens that are issued valid.
    pub client_id: String,
    /// Further client ids that are accepted, with the same secret.
    pub other_client_ids: Vec<String>,
    pub client_secret: String,
    /// The certificate or public key that JWT assertions are verified with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwt_pem: Option<String>,
}

impl Settings {
    /// All client ids that are accepted.
    pub fn client_ids(&self) -> Vec<&str> {
        let others = self.other_client_ids.iter().map(String::as_str);
        std::iter::once(self.client_id.as_str())
            .chain(others)
            .collect()
    }

    pub fn paging(&self) -> Paging {
        Paging {
            size: self.page_size.max(1),
            headers: self.page_headers,
            past_the_end: self.past_the_end,
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            page_size: 2000,
            latency_ms: 0,
            token_ttl_s: 86_399,
            step_as_text: false,
            date_offset_s: 0,
            entries_per_request: 10,
            names_per_list: 10,
            page_headers: true,
            past_the_end: PastTheEnd::NotFound,
            already_member: AlreadyMember::Success,
            after_refusal: AfterRefusal::Stop,
            encoded_slash: EncodedSlash::Name,
            group_name: GroupName::Optional,
            most_members: 200_000,
            full_listing_every_ms: 0,
            hold_connections: false,
            client_id: CLIENT_ID.to_owned(),
            other_client_ids: Vec::new(),
            client_secret: CLIENT_SECRET.to_owned(),
            jwt_pem: None,
        }
    }
}

pub struct State {
    pub org: Org,
    pub ledger: Vec<LedgerLine>,
    pub requests: Vec<ReceivedRequest>,
    pub tokens: Tokens,
    pub throttle: Throttle,
    pub faults: Faults,
    pub settings: Settings,
    pub counters: Counters,
    jwt_key: Option<JwtKey>,
    created_in_test: BTreeSet<String>,
}

/// One step that was tried, in the ledger.
#[derive(Clone, Debug, Serialize)]
pub struct LedgerLine {
    pub sequence: usize,
    /// The number of the request in the list of requests.
    pub request: usize,
    pub x_request_id: Option<String>,
    pub entry: usize,
    pub step: usize,
    pub target: String,
    #[serde(rename = "requestID")]
    pub request_id: Option<String>,
    pub command: Value,
    pub applied: bool,
    /// The codes of the refusal, one for each wrong name; empty if the step was applied.
    pub codes: Vec<&'static str>,
    pub test_only: bool,
}

/// One request, in the list of requests.
#[derive(Clone, Debug, Serialize)]
pub struct ReceivedRequest {
    pub number: usize,
    pub endpoint: Endpoint,
    pub method: String,
    pub path: String,
    pub query: Option<String>,
    pub headers: BTreeMap<String, String>,
    pub body: Value,
    pub connection: u64,
    /// When the head arrived, in milliseconds since the start.
    pub at_ms: u64,
    /// The status of the answer; `None` until there is one, and for ever if a fault prevents it.
    pub status: Option<u16>,
    pub fault: Option<String>,
}

#[derive(Clone, Debug, Default, Serialize)]
pub struct Counters {
    pub connections: u64,
    pub open_connections: u64,
    pub requests: BTreeMap<Endpoint, u64>,
    pub answers: BTreeMap<Endpoint, BTreeMap<u16, u64>>,
}

impl Sandbox {
    pub fn new(options: Options) -> Result<Self, Box<dyn Error>> {
        let mut initial_org = match &options.state {
            Some(file) => serde_json::from_slice(&std::fs::read(file)?)?,
            None => org::small_company(),
        };
        org::grow(&mut initial_org, options.users, options.groups);
        let jwt_pem = options
            .jwt_cert
            .as_ref()
            .map(std::fs::read_to_string)
            .transpose()?;
        let settings = Settings {
            page_size: options.page_size,
            latency_ms: options.latency_ms,
            token_ttl_s: options.token_ttl,
            already_member: options.already_member,
            after_refusal: options.after_refusal,
            encoded_slash: options.encoded_slash,
            group_name: options.group_name,
            full_listing_every_ms: options.full_listing_every().as_millis() as u64,
            jwt_pem,
            ..Settings::default()
        };
        let state = State::new(&options, &initial_org, &settings)?;
        Ok(Sandbox {
            options,
            initial_org,
            initial_settings: settings,
            state: Mutex::new(state),
            started: Instant::now(),
            refusing_until: watch::Sender::new(None),
            is_listening: AtomicBool::new(true),
        })
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Restores everything to what it was at the start, except the count of open connections.
    pub fn reset(&self) -> Result<(), String> {
        let mut state = self.state();
        let open_connections = state.counters.open_connections;
        *state = State::new(&self.options, &self.initial_org, &self.initial_settings)?;
        state.counters.open_connections = open_connections;
        // A change makes every connection close, so the watchers are notified only if a refusal ends here.
        self.refusing_until
            .send_if_modified(|until| until.take().is_some());
        Ok(())
    }
}

impl State {
    fn new(options: &Options, initial_org: &Snapshot, settings: &Settings) -> Result<Self, String> {
        let throttle = match options.limits {
            Limits::Documented => Throttle::documented(options.time_scale),
            Limits::Off => Throttle::default(),
        };
        let mut state = State {
            org: Org::from_snapshot(initial_org.clone()),
            ledger: Vec::new(),
            requests: Vec::new(),
            tokens: Tokens::default(),
            throttle: throttle.with_page0_block(options.page0_block()),
            faults: Faults::default(),
            settings: settings.clone(),
            counters: Counters::default(),
            jwt_key: None,
            created_in_test: BTreeSet::new(),
        };
        state.set(settings.clone())?;
        Ok(state)
    }

    pub fn set(&mut self, settings: Settings) -> Result<(), String> {
        let key = settings.jwt_pem.as_ref();
        self.jwt_key = key
            .map(|pem| JwtKey::from_pem(pem.as_bytes()))
            .transpose()?;
        self.settings = settings;
        Ok(())
    }

    pub fn replace_org(&mut self, snapshot: Snapshot) {
        self.org = Org::from_snapshot(snapshot);
    }

    /// Issues a token as the token endpoint does, for programs that obtain their tokens elsewhere.
    pub fn issue_token(&mut self) -> String {
        self.tokens
            .issue(Duration::from_secs(self.settings.token_ttl_s))
    }

    pub fn token_reply(&mut self, request: &crate::ims::TokenRequest) -> Reply {
        let life = Duration::from_secs(self.settings.token_ttl_s);
        let client = Client {
            ids: self.settings.client_ids(),
            secret: &self.settings.client_secret,
            key: self.jwt_key.as_ref(),
        };
        crate::ims::answer(request, &mut self.tokens, life, &client)
    }

    pub fn act(
        &mut self,
        body: &[u8],
        test_only: bool,
        seed: u64,
        request: usize,
        x_request_id: Option<&str>,
    ) -> Reply {
        let rules = Rules {
            entries: self.settings.entries_per_request,
            names_per_list: self.settings.names_per_list,
            test_only,
            step_as_text: self.settings.step_as_text,
            already_member: self.settings.already_member,
            after_refusal: self.settings.after_refusal,
            group_name: self.settings.group_name,
            most_members: self.settings.most_members,
            order_seed: seed.wrapping_add(request as u64),
        };
        let (reply, records) = match test_only {
            true => action::apply(
                &mut self.org.clone(),
                body,
                &rules,
                &mut self.created_in_test,
            ),
            false => action::apply(&mut self.org, body, &rules, &mut BTreeSet::new()),
        };
        for record in records {
            self.ledger.push(LedgerLine {
                sequence: self.ledger.len(),
                request,
                x_request_id: x_request_id.map(str::to_owned),
                entry: record.entry,
                step: record.step,
                target: record.target,
                request_id: record.request_id,
                command: record.command,
                applied: record.refused.is_empty() && !test_only,
                codes: record.refused,
                test_only,
            });
        }
        reply
    }
}
