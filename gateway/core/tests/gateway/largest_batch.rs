//! The largest batch that the contract allows, written by a client that escapes all characters beyond ASCII.

use crate::stack::{request, start};

/// A text of `characters` that have four bytes each, as Python's `json.dumps` writes it.
fn escaped(characters: usize) -> String {
    r"\ud83d\ude00".repeat(characters)
}

#[tokio::test]
async fn a_batch_of_5000_annotations_with_the_longest_texts_is_not_too_large() {
    let stack = start();
    let number = "0.12345678901234567";
    let numbers = ["x", "y", "width", "height", "confidence"].map(|name| format!(r#""{name}": {number}"#));
    let annotation = format!(
        r#"{{"image_id": "{}", "label": "{}", {}, "model": "{}"}}"#,
        "a".repeat(32),
        escaped(100),
        numbers.join(", "),
        escaped(200),
    );
    let batch = vec![annotation; 5000].join(", ");
    let body = format!(r#"{{"offset": "999999999999", "annotations": [{batch}]}}"#);
    assert!(body.len() > 18_800_000);
    let append = request("POST /api/annotations/streams/s:append").header("content-type", "application/json");
    let (status, _, error) = append.body(body).send(&stack).await.error();
    assert_eq!((status, error.as_str()), (501, "not scripted"), "the service received it");
    assert_eq!(stack.service.seen().calls, 1);
}
