//! Random faults for schedules.

use serde_json::{Value, json};

/// A random fault that can strike any request.
pub fn any(rng: &mut fastrand::Rng) -> Value {
    let place = [
        "before_read",
        "before_work",
        "after_work",
        "in_headers",
        "in_body",
    ][rng.usize(0..5)];
    let shape = [
        "gateway",
        "result",
        "error_message_code",
        "error_message",
        "ims",
        "html",
        "empty",
    ][rng.usize(0..7)];
    let passing = [408, 500, 502, 503, 504][rng.usize(0..5)];
    let refusing = [400, 401, 403, 404, 409, 501][rng.usize(0..6)];
    let pause = [
        json!(null),
        json!("0"),
        json!("-5"),
        json!("soon"),
        json!("99999999999999999999"),
        json!({"date_in": -9}),
        json!(3244),
    ][rng.usize(0..7)]
    .clone();
    match rng.u8(0..13) {
        0..=2 => json!({"reset": {"at": place}}),
        3 => json!({"stall": {"at": place}}),
        4 => json!({"stall": {"at": place, "ms": rng.u64(1..30)}}),
        5 | 6 => {
            json!({"status": {"code": passing, "body": shape, "after_work": rng.bool(), "retry_after": "0"}})
        }
        7 => json!({"status": {"code": refusing, "body": shape}}),
        8 => json!({"status": {"code": 429, "body": shape, "retry_after": pause}}),
        9 => json!({"garbage": {"kind": (["bytes", "html", "other_json"][rng.usize(0..3)])}}),
        10 => json!({"truncate": {"after": rng.usize(0..60), "keep_length": rng.bool()}}),
        11 => json!({"wrong_length": {"by": if rng.bool() { 5 } else { -5 }}}),
        _ => [
            json!({"gzip": {}}),
            json!({"deep": {"levels": 3000}}),
            json!({"redirect": {"to": "https://example.com/"}}),
        ][rng.usize(0..3)]
        .clone(),
    }
}
