//! One exchange, from the head of the request to the end of the answer: faults, authorisation, throttle, work.

use crate::faults::{Fault, Garbage, Stage, error_reply, http_date};
use crate::faulty_stream::{End, StreamController};
use crate::ims::TokenRequest;
use crate::limits::RequestInfo;
use crate::read::{self, Query};
use crate::reply::Reply;
use crate::route::Route;
use crate::sandbox::{ORG_ID, ReceivedRequest, Sandbox, State};
use crate::scripted::{self, SentRequest};
use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::{Request, Response};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

pub type Body = StreamBody<BoxStream<'static, io::Result<Frame<Bytes>>>>;

/// The head of a request, in the form that the endpoints need.
struct Head {
    number: usize,
    method: String,
    route: Route,
    raw_path: String,
    raw_query: Option<String>,
    /// The path and query as they were received.
    target: String,
    headers: BTreeMap<String, String>,
}

impl Head {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    fn query(&self) -> Query {
        let raw = self.raw_query.as_deref().unwrap_or_default();
        url::form_urlencoded::parse(raw.as_bytes())
            .into_owned()
            .collect()
    }

    fn path_and_query(&self) -> String {
        format!(
            "{}?{}",
            self.raw_path,
            self.raw_query.as_deref().unwrap_or_default()
        )
    }
}

pub async fn serve(
    request: Request<Incoming>,
    sandbox: Arc<Sandbox>,
    controller: StreamController,
    connection: u64,
) -> io::Result<Response<Body>> {
    let (head, early) = receive(&request, &sandbox, connection);
    let exchange = Exchange {
        head,
        sandbox,
        controller,
    };
    if let Some(fault) = early {
        exchange.interrupt(&fault, Stage::BeforeRead).await?;
    }
    let body = request
        .into_body()
        .collect()
        .await
        .map_err(io::Error::other)?
        .to_bytes();
    let fault = exchange.record_body(&body);
    let fault = fault.as_ref();
    if let Some(fault) = fault {
        exchange.interrupt(fault, Stage::BeforeWork).await?;
        if let Fault::Slow { ms } = fault {
            tokio::time::sleep(Duration::from_millis(*ms)).await;
        }
    }
    exchange.latency().await;
    let reply = exchange.reply(&body, fault);
    if let Some(fault) = fault {
        exchange.interrupt(fault, Stage::AfterWork).await?;
    }
    exchange.send(reply, fault)
}

/// Records the request before any fault can strike it. Returns its head, and the fault that strikes before the body
/// is read, if any.
fn receive(
    request: &Request<Incoming>,
    sandbox: &Sandbox,
    connection: u64,
) -> (Head, Option<Fault>) {
    let raw_path = request.uri().path().to_owned();
    let headers = request.headers().iter().map(|(name, value)| {
        let value = String::from_utf8_lossy(value.as_bytes());
        (name.as_str().to_owned(), value.into_owned())
    });
    let headers: BTreeMap<_, _> = headers.collect();
    let mut state = sandbox.state();
    let encoded_slash = state.settings.encoded_slash;
    let route = Route::parse(request.method().as_str(), &raw_path, encoded_slash);
    let head = Head {
        number: state.requests.len(),
        method: request.method().to_string(),
        raw_query: request.uri().query().map(str::to_owned),
        target: request.uri().to_string(),
        route,
        raw_path,
        headers,
    };
    let endpoint = head.route.endpoint();
    *state.counters.requests.entry(endpoint).or_default() += 1;
    let fault = state.faults.pick(endpoint, &head.path_and_query(), None);
    let received = ReceivedRequest {
        number: head.number,
        endpoint,
        method: head.method.clone(),
        path: head.raw_path.clone(),
        query: head.raw_query.clone(),
        headers: redacted(&head.headers, &state),
        body: Value::Null,
        connection,
        at_ms: sandbox.started.elapsed().as_millis() as u64,
        status: None,
        fault: fault.as_ref().map(Fault::name),
    };
    state.requests.push(received);
    (head, fault)
}

fn redacted(headers: &BTreeMap<String, String>, state: &State) -> BTreeMap<String, String> {
    let mut headers = headers.clone();
    if let Some(value) = headers.get_mut("authorization") {
        let token = value.strip_prefix("Bearer ").unwrap_or_default();
        *value = match state.tokens.check(token) {
            Some(number) => format!("Bearer (token {number})"),
            None => "(not a valid token)".to_owned(),
        };
    }
    headers
}

/// The answer to a token that is invalid or of another organisation. The documentation gives it no body.
fn unauthorized() -> Reply {
    let challenge = r#"Bearer realm="JIL", error="invalid_token""#;
    Reply::empty(401).with("www-authenticate", challenge)
}

struct Exchange {
    head: Head,
    sandbox: Arc<Sandbox>,
    controller: StreamController,
}

fn aborted() -> io::Error {
    io::ErrorKind::ConnectionAborted.into()
}

impl Exchange {
    fn record_body(&self, body: &[u8]) -> Option<Fault> {
        let mut state = self.sandbox.state();
        let endpoint = self.head.route.endpoint();
        let fault = state
            .faults
            .pick(endpoint, &self.head.path_and_query(), Some(body));
        let Some(received) = state.requests.get_mut(self.head.number) else {
            return fault;
        };
        received.body = match endpoint {
            // The body of a token request contains the client secret.
            crate::route::Endpoint::Token => Value::Null,
            _ => serde_json::from_slice(body)
                .unwrap_or_else(|_| json!(String::from_utf8_lossy(body))),
        };
        received.fault = fault.as_ref().map(Fault::name).or(received.fault.take());
        fault
    }

    fn sent<'a>(&'a self, body: &'a [u8]) -> SentRequest<'a> {
        SentRequest {
            method: &self.head.method,
            path_and_query: &self.head.target,
            headers: &self.head.headers,
            body,
        }
    }

    async fn latency(&self) {
        let latency = self.sandbox.state().settings.latency_ms;
        if latency > 0 {
            tokio::time::sleep(Duration::from_millis(latency)).await;
        }
    }

    /// Resets or stalls the exchange, if the fault does so at this stage.
    async fn interrupt(&self, fault: &Fault, stage: Stage) -> io::Result<()> {
        match fault {
            Fault::Reset { at } if *at == stage => {
                self.controller.reset_on_close();
                Err(aborted())
            }
            Fault::Stall { at, ms } if *at == stage => {
                stall(*ms).await;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn reply(&self, body: &[u8], fault: Option<&Fault>) -> Reply {
        let mut state = self.sandbox.state();
        let date_offset = state.settings.date_offset_s;
        let scripted = match fault {
            Some(Fault::Status {
                code,
                body,
                retry_after,
                after_work,
            }) => {
                let reply = error_reply(*code, *body, retry_after.as_ref(), date_offset);
                Some((reply, *after_work))
            }
            Some(Fault::Redirect { to, code }) => {
                Some((Reply::empty(*code).with("location", to), false))
            }
            Some(Fault::Answer {
                status,
                headers,
                body,
                after_work,
            }) => {
                let reply = scripted::answer(*status, headers, body.as_ref());
                Some((reply, *after_work))
            }
            Some(Fault::Echo { status, shape }) => {
                let reply = scripted::echo(*status, *shape, &self.sent(body));
                Some((reply, false))
            }
            _ => None,
        };
        let reply = match scripted {
            Some((reply, false)) => reply,
            Some((reply, true)) => {
                self.work(&mut state, body, fault);
                reply
            }
            None => self.work(&mut state, body, fault),
        };
        let endpoint = self.head.route.endpoint();
        let answers = state.counters.answers.entry(endpoint).or_default();
        *answers.entry(reply.status).or_default() += 1;
        if let Some(received) = state.requests.get_mut(self.head.number) {
            received.status = Some(reply.status);
        }
        let reply = match self.head.header("x-request-id") {
            Some(id) if !reply.has("x-request-id") => reply.with("x-request-id", id),
            _ => reply,
        };
        match date_offset {
            0 => reply,
            _ if reply.has("date") => reply,
            offset => reply.with("date", http_date(offset)),
        }
    }

    fn work(&self, state: &mut State, body: &[u8], fault: Option<&Fault>) -> Reply {
        match &self.head.route {
            Route::Status => read::status(),
            Route::Unknown => Reply::json(
                404,
                json!({"error_code": "404000", "message": "Oops. No such resource"}),
            ),
            Route::Token { jwt } => state.token_reply(&TokenRequest {
                jwt: *jwt,
                content_type: self.head.header("content-type"),
                has_query: self.head.raw_query.is_some(),
                body,
                host: self.head.header("host").unwrap_or_default(),
            }),
            route => match self.authorize(state) {
                Err(refusal) => refusal,
                Ok(()) => self.answer(state, route, body, fault),
            },
        }
    }

    /// Checks the token, the API key, the throttle and the organisation, in this order, which is a gateway's.
    fn authorize(&self, state: &mut State) -> Result<(), Reply> {
        let token = self.head.header("authorization");
        let token = token.and_then(|value| value.strip_prefix("Bearer "));
        if token.is_none_or(|token| state.tokens.check(token).is_none()) {
            return Err(unauthorized());
        }
        let client_id = self.head.header("x-api-key").unwrap_or_default();
        if !state.settings.client_ids().contains(&client_id) {
            return Err(Reply::empty(403));
        }
        let reads_page0_of_all = matches!(
            &self.head.route,
            Route::Users {
                page: 0,
                group: None,
                ..
            } | Route::Groups { page: 0, .. }
        );
        let info = RequestInfo {
            endpoint: self.head.route.endpoint(),
            client_id,
            reads_page0_of_all,
            now: Instant::now(),
        };
        let full_listing_every = Duration::from_millis(state.settings.full_listing_every_ms);
        if let Err(wait) = state.throttle.acquire(&info, full_listing_every) {
            let seconds = wait.as_millis().div_ceil(1000);
            let refusal = json!({"error_code": "429050", "message": "Too many requests"});
            return Err(Reply::json(429, refusal).with("retry-after", seconds));
        }
        match self.head.route.org() {
            Some(ORG_ID) => Ok(()),
            _ => Err(unauthorized()),
        }
    }

    fn answer(
        &self,
        state: &mut State,
        route: &Route,
        body: &[u8],
        fault: Option<&Fault>,
    ) -> Reply {
        let (query, paging) = (self.head.query(), state.settings.paging());
        let page_to_serve = |page: &usize| match fault {
            Some(Fault::ServePage { page }) => *page,
            _ => *page,
        };
        match route {
            Route::Users { page, group, .. } => read::users(
                &state.org,
                page_to_serve(page),
                group.as_deref(),
                &query,
                paging,
            ),
            Route::Groups { page, .. } => read::groups(&state.org, page_to_serve(page), paging),
            Route::UserGroups { .. } => {
                let page = page_to_serve(&read::page_of_user_groups(&query));
                read::user_groups(&state.org, page, paging)
            }
            Route::User { name, .. } => read::user(&state.org, name, &query),
            _ => self.act(state, body, &query),
        }
    }

    fn act(&self, state: &mut State, body: &[u8], query: &Query) -> Reply {
        let is_json = |kind: &str| kind.eq_ignore_ascii_case("application/json");
        if !self.head.header("content-type").is_some_and(is_json) {
            return Reply::json(415, json!({"errorMessage": "Unsupported Media Type"}));
        }
        let test_only = query.get("testOnly").is_some_and(|value| value == "true");
        let request_id = self.head.header("x-request-id");
        state.act(
            body,
            test_only,
            self.sandbox.options.seed,
            self.head.number,
            request_id,
        )
    }

    /// Sends the answer, changed as the fault says.
    fn send(&self, reply: Reply, fault: Option<&Fault>) -> io::Result<Response<Body>> {
        match fault {
            None => respond(&reply, whole(&reply)),
            Some(fault) => self.send_faulty(reply, fault),
        }
    }

    fn send_faulty(&self, mut reply: Reply, fault: &Fault) -> io::Result<Response<Body>> {
        let half = reply.body.len() / 2;
        match fault {
            Fault::Reset {
                at: Stage::InHeaders,
            } => self.controller.cut(25, End::Reset),
            Fault::Stall {
                at: Stage::InHeaders,
                ms,
            } => self
                .controller
                .cut(25, End::Stall(ms.map(Duration::from_millis))),
            Fault::Reset { at: Stage::InBody } => {
                let controller = self.controller.clone();
                let then = move || async move {
                    controller.reset_on_close();
                    Some(Err(aborted()))
                };
                return respond(
                    &reply,
                    first_then(&reply.body[..half], reply.body.len(), then),
                );
            }
            Fault::Stall {
                at: Stage::InBody,
                ms,
            } => {
                let (ms, rest) = (*ms, Bytes::copy_from_slice(&reply.body[half..]));
                let then = move || async move {
                    stall(ms).await;
                    Some(Ok(Frame::data(rest)))
                };
                return respond(
                    &reply,
                    first_then(&reply.body[..half], reply.body.len(), then),
                );
            }
            Fault::Truncate {
                after,
                keep_length: true,
            } => {
                let first = &reply.body[..reply.body.len().min(*after)];
                let body = first_then(first, reply.body.len(), || async { Some(Err(aborted())) });
                return respond(&reply, body);
            }
            Fault::Truncate {
                after,
                keep_length: false,
            } => reply.body.truncate(*after),
            Fault::Endless {} => {
                let more =
                    stream::repeat_with(|| Ok(Frame::data(Bytes::from_static(&[b' '; 65_536]))));
                let first = Bytes::copy_from_slice(&reply.body[..half]);
                let stream = stream::once(async { Ok(Frame::data(first)) }).chain(more);
                return respond(&reply, (StreamBody::new(stream.boxed()), None));
            }
            Fault::WrongLength { by } => {
                let length = (reply.body.len() as i64 + by).max(0);
                let head = format!(
                    "HTTP/1.1 {} Scripted\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n",
                    reply.status
                );
                self.controller
                    .replace([head.as_bytes(), &reply.body].concat());
            }
            Fault::Gzip {} => {
                let mut encoder =
                    flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
                encoder.write_all(&reply.body)?;
                reply.body = encoder.finish()?;
                reply = reply.with("content-encoding", "gzip");
            }
            Fault::Garbage { kind } => reply = garbage(*kind),
            Fault::Deep { levels } => {
                reply.body = [vec![b'['; *levels], vec![b']'; *levels]].concat();
            }
            Fault::Rewrite {
                set,
                remove,
                headers,
            } => {
                rewrite(&mut reply, set, remove);
                scripted::set_headers(&mut reply, headers);
            }
            _ => {}
        }
        respond(&reply, whole(&reply))
    }
}

async fn stall(ms: Option<u64>) {
    match ms {
        Some(ms) => tokio::time::sleep(Duration::from_millis(ms)).await,
        None => std::future::pending().await,
    }
}

/// A body, and the value of `Content-Length` if the answer is to have one.
type SizedBody = (Body, Option<usize>);

fn whole(reply: &Reply) -> SizedBody {
    let bytes = Bytes::copy_from_slice(&reply.body);
    let stream = stream::once(async { Ok(Frame::data(bytes)) });
    (StreamBody::new(stream.boxed()), Some(reply.body.len()))
}

/// A body in two parts. The pause between them makes sure that the first part is sent before the rest begins.
fn first_then<F, Rest>(first: &[u8], length: usize, rest: F) -> SizedBody
where
    F: FnOnce() -> Rest + Send + 'static,
    Rest: Future<Output = Option<io::Result<Frame<Bytes>>>> + Send + 'static,
{
    let first = Bytes::copy_from_slice(first);
    let first = stream::once(async { Ok(Frame::data(first)) });
    let rest = stream::once(async {
        tokio::time::sleep(Duration::from_millis(10)).await;
        rest().await
    });
    let stream = first.chain(rest.filter_map(std::future::ready));
    (StreamBody::new(stream.boxed()), Some(length))
}

fn respond(reply: &Reply, (body, length): SizedBody) -> io::Result<Response<Body>> {
    let mut response = Response::builder().status(reply.status);
    for (name, value) in &reply.headers {
        response = response.header(name, value);
    }
    if let Some(length) = length {
        response = response.header("content-length", length);
    }
    response.body(body).map_err(io::Error::other)
}

fn garbage(kind: Garbage) -> Reply {
    match kind {
        Garbage::Bytes => Reply::text(200, "application/json", vec![0xFF, 0x00, 0xFE, b'{', 0x80]),
        Garbage::OtherJson => Reply::json(200, json!({"weather": ["fine", 21], "result": 7})),
        Garbage::Html => Reply::text(
            200,
            "text/html",
            "<html><body>Please log in to the guest network</body></html>",
        ),
    }
}

fn rewrite(reply: &mut Reply, set: &serde_json::Map<String, Value>, remove: &[String]) {
    let Ok(mut body) = serde_json::from_slice::<Value>(&reply.body) else {
        return;
    };
    for (pointer, value) in set {
        set_field(&mut body, pointer, Some(value.clone()));
    }
    for pointer in remove {
        set_field(&mut body, pointer, None);
    }
    reply.body = body.to_string().into_bytes();
}

fn set_field(body: &mut Value, pointer: &str, value: Option<Value>) {
    if let Some(field) = body.pointer_mut(pointer)
        && let Some(value) = value
    {
        *field = value;
        return;
    }
    let Some((parent, key)) = pointer.rsplit_once('/') else {
        return;
    };
    let key = key.replace("~1", "/").replace("~0", "~");
    if let Some(Value::Object(parent)) = body.pointer_mut(parent) {
        match value {
            Some(value) => drop(parent.insert(key, value)),
            None => drop(parent.remove(&key)),
        }
    }
}
