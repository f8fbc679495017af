use super::*;

const NOW: u64 = 5 * SECOND;

fn taken(bucket: &Bucket, name: PolicyName, now: u64) -> Reading {
    bucket.take(name.policy(), now, 1, false)
}

#[test]
fn the_table_has_the_policies_in_the_order_of_their_names_and_stands_in_the_documentation() {
    for (policy, name) in POLICIES.iter().zip(PolicyName::ALL) {
        assert_eq!(policy.name, *name);
    }
    assert_eq!(POLICIES.len(), PolicyName::ALL.len());
    assert!(include_str!("../../../docs/api-design.md").contains(&policy_table()), "{}", policy_table());
}

#[test]
fn a_bucket_gives_its_quota_at_once_and_then_at_the_rate_of_the_policy() {
    let bucket = Bucket::default();
    for left in (0..30).rev() {
        let reading = taken(&bucket, PolicyName::Token, NOW);
        assert_eq!((reading.remaining, reading.refused), (left, false));
        assert_eq!(reading.reset, if left == 0 { 2 } else { 2 * u64::from(30 - left) });
    }
    let refused = taken(&bucket, PolicyName::Token, NOW + SECOND);
    assert_eq!(refused, Reading { policy: PolicyName::Token, remaining: 0, reset: 1, refused: true });
    assert!(!taken(&bucket, PolicyName::Token, NOW + 2 * SECOND).refused);
    assert!(taken(&bucket, PolicyName::Token, NOW + 3 * SECOND).refused);
    assert_eq!(taken(&bucket, PolicyName::Token, NOW + 100 * SECOND).remaining, 29);
}

#[test]
fn a_failure_takes_what_is_left_and_never_more() {
    let bucket = Bucket::default();
    let policy = PolicyName::Redeem.policy();
    for left in [6, 2] {
        assert!(!taken(&bucket, PolicyName::Redeem, NOW).refused);
        assert_eq!(bucket.take(policy, NOW, policy.failure, true).remaining, left);
    }
    assert_eq!(taken(&bucket, PolicyName::Redeem, NOW).remaining, 1);
    assert_eq!(bucket.take(policy, NOW, policy.failure, true).remaining, 0);
    assert!(taken(&bucket, PolicyName::Redeem, NOW + 5 * SECOND).refused);
    assert!(!taken(&bucket, PolicyName::Redeem, NOW + 6 * SECOND).refused);
}

#[test]
fn a_million_addresses_leave_a_bounded_number_of_buckets() {
    let buckets = Buckets::new(Vec::new());
    let policy = PolicyName::Token.policy();
    for number in 0..1_000_000_u32 {
        let reading = buckets.take(&Key::Address(IpAddr::from(number.to_be_bytes())), policy, 1, false);
        assert!(!reading.refused);
    }
    assert!(buckets.of[policy.name as usize].len() <= policy.name.capacity());
}

#[test]
fn operations_have_their_policies() {
    use PolicyName as P;
    let cases = [
        ("POST", "/oauth/token", "", Some(P::Token)),
        ("POST", "/oauth/introspect", "", Some(P::Token)),
        ("POST", "/oauth/revoke", "", Some(P::Token)),
        ("GET", "/oauth/token", "", None),
        ("POST", "/v1/participation-codes/redemption", "", Some(P::Redeem)),
        ("POST", "/v1/sign-in", "", Some(P::SignIn)),
        ("POST", "/v1/sign-in/verify", "", Some(P::SignIn)),
        ("PUT", "/v1/me/notices", "", Some(P::SignIn)),
        ("POST", "/v1/me/notices/confirmation", "", Some(P::SignIn)),
        ("PUT", "/v1/providers/himal/notices", "", Some(P::SignIn)),
        ("POST", "/v1/providers/himal/notices/confirmation", "", Some(P::SignIn)),
        ("GET", "/v1/me/notices", "", None),
        ("DELETE", "/v1/providers/himal/notices", "", None),
        ("PUT", "/v1/providers/himal/other/notices", "", None),
        ("GET", "/v1/programs", "", None),
        ("GET", "/v1/programs", "country=NP&q=ward", Some(P::Search)),
        ("GET", "/v1/programs", "%71=ward", Some(P::Search)),
        ("GET", "/v1/programs", "qq=ward", None),
        ("GET", "/v1/programs/facets", "", Some(P::Search)),
        ("POST", "/v1/programs/x/reviews", "", Some(P::Review)),
        ("GET", "/v1/programs/x/reviews", "", None),
        ("POST", "/v1/programs/x/red-flag-reports", "", Some(P::Report)),
        ("GET", "/v1/me/export", "", Some(P::Export)),
        ("POST", "/v1/me/confirmation-requests", "", Some(P::Confirmation)),
        ("GET", "/v1/me/confirmation-requests", "", None),
    ];
    for (method, path, query, policy) in cases {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        assert_eq!(PolicyName::of(&method, path, query), policy, "{method} {path}?{query}");
    }
}

#[test]
fn a_daily_quota_is_counted_over_the_last_24_hours() {
    let daily = Daily(PolicyName::Review.policy());
    let now = Timestamp::EPOCH.plus_seconds(1_000_000);
    let none = daily.after_one_more(&[], now);
    assert_eq!(none, Reading { policy: PolicyName::Review, remaining: 19, reset: 86_400, refused: false });
    let made = |count: i64| (1..=count).map(|n| now.plus_seconds(-n)).collect::<Vec<_>>();
    assert_eq!(daily.after_one_more(&made(18), now).remaining, 1);
    let last = daily.after_one_more(&made(19), now);
    assert_eq!((last.remaining, last.refused, last.reset), (0, false, 86_400 - 19));
    let over = daily.after_one_more(&made(20), now);
    assert_eq!((over.remaining, over.refused, over.reset), (0, true, 86_400 - 20));
    assert!(over.check().is_err() && last.check().is_ok());
}
