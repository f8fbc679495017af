use super::*;

#[test]
fn a_key_is_a_string_or_a_bare_token_of_16_to_255_characters() {
    let (short, long) = ("a".repeat(15), "b".repeat(255));
    assert_eq!(read_key("8e03978e-40d5-43e8-bc93-6894a57f9324"), Some("8e03978e-40d5-43e8-bc93-6894a57f9324"));
    assert_eq!(read_key("\"8e03978e_40d5_43e8\""), Some("8e03978e_40d5_43e8"));
    assert_eq!(read_key(&long), Some(long.as_str()));
    let wrong = [
        "",
        "\"",
        "\"\"",
        &short,
        &format!("\"{short}\""),
        &format!("{long}b"),
        &format!("\"{long}"),
        &format!("{long}\""),
        &format!("\"{long}\";a=1"),
        "sixteen characters",
        "ümlaut-ümlaut-ümlaut",
    ];
    for wrong in wrong {
        assert_eq!(read_key(wrong), None, "{wrong}");
    }
}

#[test]
fn an_answer_is_remembered_as_it_was_and_for_its_key_alone() {
    let of = Arc::new(Idempotency::new(b"secret"));
    let principal = PrincipalId::from_uuid(uuid::Uuid::nil());
    let ticket = |hash| Ticket { of: Arc::clone(&of), hash, principal, fingerprint: [2; 32], now: Timestamp::EPOCH };
    let answer = Answer {
        status: 201,
        location: Some("/v1/reviews/1".to_owned()),
        etag: Some("\"v1\"".to_owned()),
        body: b"{\"text\":\n\"two\nlines\"}".to_vec(),
        replayed: false,
    };
    let row = ticket([1; 32]).row(&answer).unwrap();
    assert!(!row.sealed.windows(4).any(|window| window == b"text"));
    assert_eq!(ticket([1; 32]).open(&row.sealed), Some(Answer { replayed: true, ..answer }));
    assert_eq!(ticket([3; 32]).open(&row.sealed), None);
}

#[test]
fn a_key_in_use_is_free_again_when_its_request_has_ended() {
    let of = Arc::new(Idempotency::new(b"secret"));
    let claim = of.claim([1; 32]);
    assert!(claim.is_some() && of.claim([1; 32]).is_none() && of.claim([2; 32]).is_some());
    drop(claim);
    assert!(of.claim([1; 32]).is_some());
}
