//! Sequences of C calls with arbitrary arguments. The only address that they use is a loopback port without a listener.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::ffi::{CString, c_char};
use std::ptr::{null, null_mut};
use umapi::ffi::action::*;
use umapi::ffi::call::*;
use umapi::ffi::cancel::*;
use umapi::ffi::client::*;
use umapi::ffi::client_options::*;
use umapi::ffi::credentials::*;
use umapi::ffi::error::*;
use umapi::ffi::key_pair::*;
use umapi::ffi::queue::*;
use umapi::ffi::results::*;
use umapi::ffi::user_query::*;

/// The rest of the input, from which arguments are read.
struct Input<'a>(&'a [u8]);

impl Input<'_> {
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else {
            return 0;
        };
        self.0 = rest;
        *first
    }

    fn int(&mut self) -> i32 {
        match self.byte() {
            255 => i32::MIN,
            254 => i32::MAX,
            small => i32::from(small) - 2,
        }
    }

    /// NULL (`None`), or a text that may be invalid UTF-8.
    fn text(&mut self) -> Option<CString> {
        let length = usize::from(self.byte());
        if length == 255 {
            return None;
        }
        let (text, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        let text: Vec<u8> = text.iter().copied().filter(|byte| *byte != 0).collect();
        CString::new(text).ok()
    }
}

fn pointer(text: &Option<CString>) -> *const c_char {
    text.as_ref().map_or(null(), |text| text.as_ptr())
}

fn length(text: &Option<CString>) -> usize {
    text.as_ref().map_or(0, |text| text.as_bytes().len())
}

/// Reads an error with several accessors, and frees it.
unsafe fn read_and_free_error(error: *mut umapi_error) {
    unsafe {
        umapi_error_status(error);
        assert!(!umapi_error_message(error).is_null());
        umapi_error_code(error);
        umapi_error_endpoint(error);
        umapi_error_free(error);
    }
}

unsafe fn client() -> *mut umapi_client {
    unsafe {
        let (mut credentials, mut client) = (null_mut(), null_mut());
        let options = umapi_client_options_new();
        umapi_client_options_set_endpoint(options, c"http://127.0.0.1:1/".as_ptr(), null_mut());
        umapi_client_options_set_retry(options, 1, 1, 1, null_mut());
        umapi_credentials_new_oauth(c"id".as_ptr(), c"secret".as_ptr(), &mut credentials, null_mut());
        umapi_credentials_set_auth_host(credentials, c"http://127.0.0.1:1".as_ptr(), null_mut());
        umapi_client_new(c"A@AdobeOrg".as_ptr(), credentials, options, &mut client, null_mut());
        umapi_client_options_free(options);
        umapi_credentials_free(credentials);
        client
    }
}

unsafe fn read_and_free_results(results: *mut umapi_results) {
    unsafe {
        for index in 0..umapi_results_length(results) {
            let outcome = umapi_results_get(results, index);
            assert!((1..=4).contains(&umapi_outcome_kind(outcome)));
            for finding in 0..umapi_outcome_finding_count(outcome) {
                umapi_finding_command_json(umapi_outcome_finding(outcome, finding));
            }
        }
        umapi_results_free(results);
    }
}

unsafe fn run(input: &mut Input) {
    unsafe {
        let client = client();
        let options = umapi_client_options_new();
        let query = umapi_user_query_new();
        let call = umapi_call_new();
        let pair = umapi_key_pair_options_new();
        let (mut credentials, mut action, mut queue) = (null_mut(), null_mut(), null_mut());
        umapi_credentials_new_oauth(c"id".as_ptr(), c"secret".as_ptr(), &mut credentials, null_mut());
        umapi_client_queue(client, &mut queue, null_mut());
        while !input.0.is_empty() {
            let mut error = null_mut();
            let operation = input.byte();
            let (a, b, c) = (input.text(), input.text(), input.int());
            let (pa, pb) = (pointer(&a), pointer(&b));
            let names = [pa, pb];
            let (list, count) = (names.as_ptr(), usize::from(operation % 3));
            match operation % 40 {
                0 | 1 => {
                    umapi_action_free(action);
                    umapi_action_new_user(pa, pb, &mut action, &mut error);
                }
                2 => {
                    umapi_action_free(action);
                    umapi_action_new_group(pa, &mut action, &mut error);
                }
                3 => drop(umapi_action_create_user(action, c, pa, pb, pa, pb, input.int(), &mut error)),
                4 => drop(umapi_action_update_user(action, pa, pb, pb, pa, &mut error)),
                5 => drop(umapi_action_add_to_groups(action, list, count, &mut error)),
                6 => drop(umapi_action_remove_from_groups(action, list, count, &mut error)),
                7 => drop(umapi_action_remove_from_all_groups(action, &mut error)),
                8 => drop(umapi_action_remove_from_org(action, c, &mut error)),
                9 => drop(umapi_action_create_group(action, pa, c, &mut error)),
                10 => drop(umapi_action_update_group(action, pa, pb, &mut error)),
                11 => drop(umapi_action_delete_group(action, &mut error)),
                12 => drop(umapi_action_add_users(action, list, count, &mut error)),
                13 => drop(umapi_action_remove_products(action, list, count, &mut error)),
                14 | 15 => drop(umapi_action_append_json(action, pa, length(&a), &mut error)),
                16 => drop(umapi_action_insert_json(action, c as usize, pa, length(&a), &mut error)),
                17 => drop(umapi_action_set_request_id(action, pa, &mut error)),
                18 => {
                    for index in 0..=umapi_action_command_count(action) {
                        umapi_action_command_json(action, index);
                    }
                }
                19 => drop(umapi_client_options_set_endpoint(options, pa, &mut error)),
                20 => {
                    umapi_client_options_set_user_agent_prefix(options, pa, null_mut());
                    umapi_client_options_set(options, pa, pb, &mut error);
                }
                21 => drop(umapi_client_options_add_ca_pem(options, pa, length(&a), &mut error)),
                22 => drop(umapi_client_options_set_rate_limit(options, c, input.int(), c.into(), &mut error)),
                23 => drop(umapi_credentials_set_auth_host(credentials, pa, &mut error)),
                24 => drop(umapi_credentials_set_auth_path(credentials, pa, &mut error)),
                25 => drop(umapi_user_query_set_group(query, pa, &mut error)),
                26 => drop(umapi_user_query_set_domain(query, pb, &mut error)),
                27 => drop(umapi_call_set_request_id(call, pa, &mut error)),
                28 => drop(umapi_call_set_timeout_ms(call, c.into(), &mut error)),
                29 => {
                    let mut user = null_mut();
                    umapi_client_find_user(client, call, pa, pb, &mut user, &mut error);
                    assert!(user.is_null());
                }
                30 => drop(umapi_queue_add(queue, call, action, &mut error)),
                31 => drop(umapi_client_options_set_proxy(options, pa, pb, pa, &mut error)),
                32 => drop(umapi_client_options_set_platform_certificates(options, c, &mut error)),
                33 => drop(umapi_client_options_set_batch_limits(options, c, input.int(), input.int(), &mut error)),
                34 => drop(umapi_key_pair_options_set_bits(pair, c, &mut error)),
                35 => drop(umapi_key_pair_options_set_not_after(pair, c.into(), &mut error)),
                36 => {
                    umapi_key_pair_options_set_country(pair, pa, null_mut());
                    umapi_key_pair_options_set_email(pair, pb, &mut error);
                }
                37 => {
                    let mut other = null_mut();
                    umapi_client_new(pa, credentials, options, &mut other, &mut error);
                    umapi_client_free(other);
                }
                38 => {
                    let mut jwt = null_mut();
                    umapi_credentials_new_jwt_with_passphrase(
                        pa, pb, pa, pb, length(&b), pa, &mut jwt, &mut error,
                    );
                    umapi_client_set_credentials(client, jwt, null_mut());
                    umapi_credentials_free(jwt);
                }
                _ => {
                    let mut results = null_mut();
                    let actions = [action.cast_const()];
                    umapi_client_execute(client, call, actions.as_ptr(), 1, &mut results, &mut error);
                    read_and_free_results(results);
                }
            }
            read_and_free_error(error);
        }
        let mut results = null_mut();
        let cancel = umapi_cancel_new();
        umapi_cancel_trigger(cancel);
        umapi_call_set_cancel(call, cancel, null_mut());
        umapi_queue_flush(queue, call, null_mut());
        umapi_queue_take_results(queue, &mut results, null_mut());
        assert_eq!(umapi_queue_pending(queue), 0);
        read_and_free_results(results);
        umapi_cancel_free(cancel);
        umapi_queue_free(queue);
        umapi_action_free(action);
        umapi_credentials_free(credentials);
        umapi_call_free(call);
        umapi_user_query_free(query);
        umapi_key_pair_options_free(pair);
        umapi_client_options_free(options);
        umapi_client_free(client);
    }
}

fuzz_target!(|data: &[u8]| unsafe { run(&mut Input(data)) });
