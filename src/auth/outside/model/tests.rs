use serde_json::json;

use super::*;

fn at(seconds: i64) -> Timestamp {
    Timestamp::EPOCH.plus_seconds(seconds)
}

#[test]
fn keys_are_fetched_when_they_must_be_and_at_most_once_a_minute() {
    let never = Freshness::default();
    assert_eq!(never.plan(false, at(0)), Plan::Fetch);
    let tried = Freshness { fetched: None, tried: Some(at(1000)) };
    for (now, plan) in [(1000, Plan::Unavailable), (1059, Plan::Unavailable), (1060, Plan::Fetch)] {
        assert_eq!(tried.plan(false, at(now)), plan, "{now}");
    }
    // Of requests that come at once, one that read the clock first may be last at the fetch: it does not fetch again.
    // A clock that was set back by more does not stop fetching.
    for (now, plan) in [(999, Plan::Unavailable), (941, Plan::Unavailable), (940, Plan::Fetch), (0, Plan::Fetch)] {
        assert_eq!(tried.plan(false, at(now)), plan, "{now}");
    }
    let day = 24 * 3600;
    // Fetched at 0, tried then or later in vain; is the key known; at; what is done.
    for (tried, known, now, plan) in [
        (0, true, 0, Plan::Use),
        (0, true, 300, Plan::Use),
        (0, true, 301, Plan::UseAndFetch),
        (0, true, 3600, Plan::UseAndFetch),
        (0, true, 3601, Plan::Fetch),
        (3590, true, 3649, Plan::Use),
        (3590, true, 3650, Plan::UseAndFetch),
        (day - 10, true, day, Plan::Use),
        (day - 10, true, day + 1, Plan::Unavailable),
        (day - 10, true, day + 50, Plan::Fetch),
        (0, false, 59, Plan::Refuse),
        (0, false, 60, Plan::Fetch),
        (60, false, 119, Plan::Refuse),
        (day - 10, false, day + 1, Plan::Unavailable),
    ] {
        let freshness = Freshness { fetched: Some(at(0)), tried: Some(at(tried)) };
        assert_eq!(freshness.plan(known, at(now)), plan, "tried {tried}, known {known}, at {now}");
    }
}

#[test]
fn an_id_token_is_no_access_token() {
    let is = |typ: &str, more: Value| {
        let header = serde_json::from_value(json!({"alg": "ES256", "kid": "a", "typ": typ})).unwrap();
        let mut claims = json!({"sub": "s", "exp": 2, "iat": 1});
        claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        is_access_token(&header, &serde_json::from_value(claims).unwrap())
    };
    assert!(is("at+jwt", json!({})) && is("application/at+jwt", json!({})) && is("AT+JWT", json!({})));
    assert!(is("JWT", json!({"scope": "reviews"})) && is("JWT", json!({"scp": ["reviews"]})));
    assert!(is("JWT", json!({"scp": "reviews"})));
    for more in [json!({}), json!({"scope": ""}), json!({"scp": []}), json!({"scope": 1}), json!({"azp": "app"})] {
        assert!(!is("JWT", more.clone()), "{more}");
    }
    for claim in ["nonce", "at_hash", "c_hash", "s_hash"] {
        for typ in ["at+jwt", "JWT"] {
            assert!(!is(typ, json!({"scope": "reviews", claim: "x"})), "{typ} with {claim}");
        }
    }
    for typ in ["", "id_token+jwt", "logout+jwt", "secevent+jwt", "dpop+jwt", "at+jwt "] {
        assert!(!is(typ, json!({"scope": "reviews"})), "{typ}");
    }
}

#[test]
fn a_header_with_more_in_it_is_not_read() {
    let read = |text: &str| serde_json::from_str::<OutsideHeader>(text).is_ok();
    assert!(read(r#"{"alg":"RS256","kid":"a","typ":"JWT","x5t":"b","x5t#S256":"c"}"#));
    for member in [r#""crit":[]"#, r#""jku":"x""#, r#""jwk":{}"#, r#""x5u":"x""#, r#""b64":false"#, r#""alg":"RS256""#]
    {
        assert!(!read(&format!(r#"{{"alg":"RS256","kid":"a","typ":"JWT",{member}}}"#)), "{member}");
    }
    for alg in ["none", "HS256", "HS512", "ES384", "RS512", "rs256", ""] {
        assert!(!read(&format!(r#"{{"alg":"{alg}","kid":"a","typ":"JWT"}}"#)), "{alg}");
    }
}

#[test]
fn a_setting_that_does_not_hold_is_told() {
    let issuer = r#"{"issuer":"https://id.university.edu","audience":"preceptor","algorithms":["RS256"]}"#;
    let parse = |text: &str| parse_issuers(text, Policy::Public);
    assert_eq!(parse("").unwrap(), []);
    assert_eq!(parse(&format!("[{issuer}]")).unwrap()[0].audience, "preceptor");
    for bad in [
        issuer.to_owned(),
        format!("[{issuer},{issuer}]"),
        format!("[{}]", issuer.replace("https:", "http:")),
        format!("[{}]", issuer.replace("id.university.edu", "127.0.0.1")),
        format!("[{}]", issuer.replace(".edu", ".edu/?a=b")),
        format!("[{}]", issuer.replace("RS256", "HS256")),
        format!("[{}]", issuer.replace("\"RS256\"", "")),
        format!("[{}]", issuer.replace("\"preceptor\"", "\"\"")),
        format!("[{}]", issuer.replace("audience", "audiences")),
    ] {
        assert!(parse(&bad).is_err(), "{bad}");
    }
}
