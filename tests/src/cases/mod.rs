//! The cases, one file for each RPC or topic.
//!
//! To add a case: write an async function that takes a [`Target`], and add its name to `everywhere`, or to [`over`] if only one
//! protocol supports it.

use std::{future::Future, pin::Pin};

use crate::{Protocol, Target};

mod annotations;
mod annotations_list;
mod auth;
mod browser;
mod clients;
mod grpc;
mod grpc_rules;
mod http;
mod images;
mod images_content;
mod images_direct;
mod images_upload;
mod streams;
mod watch;

/// A running case.
type Run = Pin<Box<dyn Future<Output = anyhow::Result<()>> + Send>>;

/// One black-box case.
pub struct Case {
    /// `file::function`
    pub name: &'static str,
    /// Runs it.
    pub run: fn(Target) -> Run,
}

/// Lists a file's cases: `cases![images_upload: one, two]`.
macro_rules! cases {
    ($($file:ident: $($case:ident),+ $(,)?;)+) => {
        vec![$($(Case {
            name: concat!(stringify!($file), "::", stringify!($case)),
            run: |target| Box::pin($file::$case(target)),
        },)+)+]
    };
}

/// Every case that a target with this protocol supports.
#[must_use]
pub fn over(protocol: Protocol) -> Vec<Case> {
    let mut cases = everywhere();
    match protocol {
        Protocol::Grpc => cases.extend(cases![
            clients:
                grpcurl_calls_by_reflection,
                python_grpc_calls_by_reflection;
            streams:
                a_producer_resumes_at_its_offset;
        ]),
        Protocol::GrpcWeb => {}
    }
    cases
}

fn everywhere() -> Vec<Case> {
    cases![
        annotations:
            a_created_annotation_is_returned_unchanged,
            a_manual_annotation_has_no_confidence,
            an_invalid_field_is_named_and_nothing_is_stored,
            values_at_the_limits_are_stored,
            five_hundred_annotations_are_stored_in_one_call,
            a_bulk_create_is_atomic,
            a_patch_changes_only_the_given_fields,
            a_stale_etag_is_a_conflict,
            a_deleted_annotation_is_not_found;
        annotations_list:
            pages_list_each_annotation_once_newest_first,
            filters_return_only_matching_annotations,
            a_forged_page_token_is_rejected,
            an_invalid_parameter_is_rejected_by_name;
        auth:
            invalid_tokens_are_rejected_on_every_port,
            a_request_without_a_token_is_rejected_with_instructions,
            a_scope_allows_only_what_it_names,
            the_image_of_another_owner_needs_the_scope_owners_any,
            a_model_server_needs_no_images_scope;
        browser:
            only_pages_of_an_allowed_origin_can_use_the_api,
            a_disconnected_page_receives_each_change_once;
        clients:
            connect_web_calls_by_grpc_web;
        grpc:
            images_are_uploaded_and_downloaded_by_streams,
            an_annotation_is_the_same_on_every_port,
            errors_have_details;
        grpc_rules:
            an_invalid_grpc_call_gets_the_status_that_grpc_defines,
            the_path_of_an_rpc_accepts_only_grpc_calls,
            the_largest_valid_batch_is_stored;
        http:
            unknown_paths_and_methods_return_json_errors,
            invalid_bodies_are_rejected,
            unknown_names_are_rejected_and_both_spellings_accepted,
            a_valid_request_id_is_returned,
            only_allowed_origins_may_call,
            health_has_the_region,
            openapi_describes_every_route;
        images:
            a_listing_has_the_users_own_images_newest_first,
            a_listing_is_filtered_by_name_and_time,
            a_patch_changes_name_and_metadata,
            a_deleted_image_is_hidden_until_it_is_undeleted,
            an_invalid_id_is_rejected_and_an_unknown_one_not_found;
        images_content:
            a_download_has_the_bytes_that_were_uploaded,
            a_range_returns_a_part_and_an_unsatisfiable_one_416,
            a_known_etag_returns_304,
            head_returns_headers_without_a_body,
            a_signed_url_works_without_a_token_and_only_unaltered;
        images_direct:
            a_completed_upload_becomes_an_image,
            completing_twice_returns_the_same_image,
            the_last_bytes_sent_before_completion_are_stored,
            bytes_that_differ_from_the_declaration_are_rejected,
            an_altered_upload_request_is_rejected,
            the_upload_of_another_user_is_not_found,
            an_invalid_declaration_is_rejected_by_field;
        images_upload:
            an_image_in_a_form_is_stored,
            a_raw_image_is_stored,
            a_body_of_unknown_length_is_stored,
            form_fields_before_and_after_the_file_are_read,
            a_file_that_is_no_image_is_rejected,
            an_invalid_form_is_rejected_by_part,
            an_image_over_the_size_limit_is_rejected,
            hostile_filenames_are_sanitized_or_rejected,
            an_image_with_huge_dimensions_is_not_decoded,
            width_and_height_are_those_of_the_upright_image,
            an_aborted_upload_leaves_no_row;
        streams:
            a_resent_batch_is_not_stored_again,
            invalid_annotations_and_gaps_are_reported;
        watch:
            a_disconnected_watcher_receives_each_change_once,
            changes_are_sent_as_lines_or_events_at_once,
            an_invalid_last_event_id_restarts_the_watch,
            an_unauthorized_watch_is_rejected;
    ]
}
