//! The cases, one file for each RPC or concern.

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

/// A case under way.
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

/// Every case that a target with this protocol can meet.
#[must_use]
pub fn over(protocol: Protocol) -> Vec<Case> {
    let mut cases = everywhere();
    match protocol {
        Protocol::Grpc => cases.extend(cases![
            clients:
                grpcurl_calls_by_reflection,
                python_grpc_calls_by_reflection;
            streams:
                a_producer_resumes_where_it_was;
        ]),
        Protocol::GrpcWeb => {}
    }
    cases
}

fn everywhere() -> Vec<Case> {
    cases![
        annotations:
            a_box_comes_back_as_it_was_drawn,
            a_persons_box_has_no_confidence,
            each_broken_rule_is_named_and_nothing_is_stored,
            values_at_the_edges_of_the_rules_are_stored,
            five_hundred_boxes_are_stored_at_once,
            a_bulk_is_stored_whole_or_not_at_all,
            a_patch_changes_what_it_names,
            a_stale_etag_is_a_conflict,
            a_deleted_box_is_gone;
        annotations_list:
            pages_hold_each_box_once_newest_first,
            filters_leave_out_what_does_not_fit,
            a_page_token_that_was_made_up_is_rejected,
            bad_parameters_are_refused_by_name;
        auth:
            tokens_that_prove_nothing_are_refused_on_every_door,
            without_a_token_the_answer_says_what_is_needed,
            a_scope_allows_what_it_names_and_no_more,
            anothers_image_exists_only_with_owners_any,
            a_model_server_needs_no_scope_of_images;
        browser:
            pages_of_an_allowed_origin_use_everything_and_others_read_nothing,
            a_page_that_is_cut_off_misses_nothing_and_hears_nothing_twice;
        clients:
            connect_web_calls_by_grpc_web;
        grpc:
            streams_carry_pictures_both_ways,
            all_doors_lead_to_the_same_boxes,
            errors_carry_details;
        grpc_rules:
            a_call_that_breaks_a_rule_has_the_status_that_grpc_says,
            an_rpcs_path_takes_calls_alone,
            the_largest_batch_that_the_contract_allows_is_stored;
        http:
            unknown_paths_and_methods_answer_in_our_shape,
            broken_bodies_are_refused,
            unknown_names_are_refused_and_both_spellings_known,
            a_request_id_comes_back,
            allowed_origins_may_call_and_others_may_not,
            health_says_where_it_is,
            openapi_describes_every_route;
        images:
            a_listing_has_the_users_own_images_newest_first,
            a_listing_is_filtered_by_name_and_time,
            a_patch_changes_name_and_metadata,
            a_deleted_image_is_hidden_until_it_is_brought_back,
            a_bad_id_is_refused_and_an_unknown_one_not_found;
        images_content:
            a_download_has_the_bytes_that_were_uploaded,
            a_range_is_a_part_and_an_impossible_one_is_416,
            a_known_etag_answers_304,
            head_has_the_headers_alone,
            a_signed_url_opens_without_a_token_and_only_as_it_is;
        images_direct:
            bytes_that_are_sent_become_an_image,
            completing_twice_answers_the_same_image,
            the_last_bytes_before_completion_count,
            bytes_that_are_not_as_declared_are_refused,
            the_request_is_good_only_as_it_is,
            anothers_upload_does_not_exist,
            bad_declarations_are_refused_by_field;
        images_upload:
            a_form_with_a_picture_is_stored,
            a_raw_picture_is_stored,
            a_body_of_unknown_length_is_stored,
            form_fields_describe_the_file_from_either_side_of_it,
            what_is_no_picture_is_refused,
            wrong_forms_are_refused_by_part,
            the_largest_picture_is_stored_and_one_byte_more_is_not,
            hostile_names_are_made_harmless_or_refused,
            a_huge_header_is_stored_and_never_decoded,
            sizes_are_those_of_the_upright_picture,
            an_upload_that_stops_midway_leaves_no_row;
        streams:
            a_batch_that_is_sent_again_is_not_stored_again,
            bad_boxes_and_gaps_are_told;
        watch:
            a_watcher_that_is_cut_off_misses_nothing_and_hears_nothing_twice,
            lines_and_events_come_as_they_happen,
            a_last_event_id_that_says_nothing_starts_over,
            who_may_not_watch_is_told_so;
    ]
}
