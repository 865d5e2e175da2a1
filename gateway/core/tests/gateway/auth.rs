//! Tokens are checked before a body is read or a service is called.

use std::time::Duration;

use crate::stack::{anonymous, start, token, token_for};

#[tokio::test]
async fn a_call_without_a_token_is_rejected_with_a_challenge() {
    let stack = start();
    let reply = anonymous("GET /api/images/abc").send(&stack).await;
    assert_eq!(reply.error().0, 401);
    assert_eq!(reply.error().1, "UNAUTHENTICATED");
    assert_eq!(reply.header("www-authenticate"), "Bearer");
    assert_eq!(stack.service.seen().calls, 0);
}

#[tokio::test]
async fn an_invalid_token_is_rejected_even_where_none_is_needed() {
    let stack = start();
    let forged = token().replace('.', ".A");
    let expired = token_for(Duration::ZERO);
    for bad in [format!("Bearer {forged}"), "Basic YTpi".to_owned(), "Bearer".to_owned(), String::new()] {
        for path in ["GET /api/images/abc", "GET /api/images/abc/content"] {
            let reply = anonymous(path).header("authorization", &bad).send(&stack).await;
            assert_eq!(reply.error().0, 401, "{bad} {path}");
            assert!(reply.header("www-authenticate").starts_with("Bearer"), "{bad}");
        }
    }
    // The test's clock does not advance, so this expired token is still within the leeway.
    assert_eq!(
        anonymous("GET /api/images/abc")
            .header("authorization", &format!("bearer {expired}"))
            .send(&stack)
            .await
            .status,
        200
    );
    assert_eq!(stack.service.seen().calls, 1);
}

#[tokio::test]
async fn a_method_needs_no_token_if_the_contract_says_so() {
    let stack = start();
    assert_eq!(anonymous("GET /api/images/abc/content").send(&stack).await.status, 200);
}

#[tokio::test]
async fn a_token_in_the_query_is_not_accepted() {
    let stack = start();
    let reply = anonymous(&format!("GET /api/images/abc?access_token={}", token())).send(&stack).await;
    assert_eq!(reply.error().0, 401);
}
