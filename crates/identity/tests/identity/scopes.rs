//! Which scopes a token has, by its claims `scope` and `scp`.

use identity::Scope;
use serde_json::{Value, json};

use crate::fixture::{authenticator, claims, claims_with, hs256, secret};

#[tokio::test]
async fn a_scope_claim_replaces_the_default_scopes() {
    let (authenticator, _) = authenticator(secret());
    let default = authenticator.verify(&hs256(&claims())).await.unwrap();
    assert!(default.may(Scope::ImagesWrite) && !default.may(Scope::OwnersAny));
    let model = hs256(&claims_with("scope", json!("annotations:write owners:any")));
    let model = authenticator.verify(&model).await.unwrap();
    assert!(
        model.may(Scope::AnnotationsWrite) && model.may(Scope::OwnersAny) && !model.may(Scope::ImagesRead)
    );
    let nothing = authenticator.verify(&hs256(&claims_with("scope", json!("")))).await.unwrap();
    assert!(!nothing.may(Scope::ImagesRead));
}

/// The scopes of a token with valid claims and the `further` ones.
async fn scopes_with(further: &Value) -> Vec<&'static str> {
    let mut claims = claims();
    claims.as_object_mut().unwrap().extend(further.as_object().unwrap().clone());
    let caller = authenticator(secret()).0.verify(&hs256(&claims)).await.unwrap();
    Scope::ALL.into_iter().filter(|scope| caller.may(*scope)).map(Scope::name).collect()
}

#[tokio::test]
async fn scopes_are_read_in_the_formats_of_all_providers() {
    let both = ["images:read", "owners:any"];
    for further in [
        json!({"scope": "images:read owners:any"}),
        json!({"scope": ["images:read", "owners:any"]}),
        json!({"scope": ["images:read owners:any", "openid"]}),
        json!({"scp": "images:read owners:any"}),
        json!({"scp": ["images:read", "owners:any", "offline_access"]}),
        json!({"scope": "images:read owners:any", "scp": ["owners:any", "images:read"]}),
    ] {
        assert_eq!(scopes_with(&further).await, both, "{further}");
    }
}

#[tokio::test]
async fn a_claim_that_is_present_never_counts_as_absent() {
    for further in [
        json!({"scp": "user_impersonation"}),
        json!({"scp": ["openid", "profile"]}),
        json!({"scp": []}),
        json!({"scp": ""}),
        json!({"scp": null}),
        json!({"scope": null}),
        json!({"scope": []}),
        json!({"scope": "openid"}),
        json!({"scope": "", "scp": "images:read"}),
        json!({"scope": "images:read", "scp": "owners:any"}),
    ] {
        assert_eq!(scopes_with(&further).await, [""; 0], "{further}");
    }
    let narrowed = json!({"scope": "images:read images:write", "scp": ["images:read", "owners:any"]});
    assert_eq!(scopes_with(&narrowed).await, ["images:read"]);
}

#[tokio::test]
async fn roles_and_permissions_do_not_change_the_scopes() {
    let default = scopes_with(&json!({})).await;
    assert_eq!(default.len(), 4);
    for further in [json!({"roles": ["owners:any"]}), json!({"permissions": ["owners:any"]})] {
        assert_eq!(scopes_with(&further).await, default, "{further}");
    }
}
