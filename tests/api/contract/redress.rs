//! Something to appeal against, and an appeal to rule on.

use crate::support::{
    Client, TestApp,
    builders::{self, Listed},
};

/// Finds a report of this author about a program true, and gives the path at which one appeals against that.
async fn found(app: &TestApp, made: &Listed, author: &Client) -> String {
    let reports = format!("{}/red-flag-reports", made.path);
    let report = author.post(&reports, &builders::report()).await.expect(201).header("location").to_owned();
    let decision = builders::found_true(&app.moderator().await, &report).await;
    format!("/v1/decisions/{decision}/appeals")
}

/// Where the provider of `made` may appeal, and the path of another provider's appeal, which is pending.
pub async fn contested(app: &TestApp, made: &Listed, author: &Client) -> (String, String) {
    let other = builders::listed(app, "appealed").await;
    let appeals = found(app, &other, author).await;
    let appeal = other.provider.post(&appeals, &builders::appeal()).await.expect(201).header("location").to_owned();
    (found(app, made, author).await, appeal)
}
