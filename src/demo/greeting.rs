//! What the demonstration prints: its address, a token for each role, a client, and what to try.

use std::{collections::BTreeMap, fmt::Write};

use uuid::Uuid;

use super::TOKEN_LIFETIME;
use crate::{
    auth::{Role, Scope, Tokens},
    cli::Act,
    clients::{
        self,
        model::{ClientInput, ClientRole},
    },
    db::{self, Conn},
    http::Error,
    ids::ClientId,
    providers as provider_feature,
    time::Timestamp,
};

/// How a program gets a token. The client is made once, and its secret is shown by the start that made it.
pub(super) fn client(conn: &mut Conn, tokens: &Tokens, public_url: &str, now: Timestamp) -> Result<String, Error> {
    let known = clients::store::list(conn, None, 1)?;
    let ask = |id: &ClientId, secret: &str| {
        format!("\ncurl {public_url}/oauth/token -u '{id}:{secret}' -d grant_type=client_credentials\n")
    };
    if let Some(client) = known.first() {
        let id = client.row.id;
        let more = format!("Its secret was shown at the first start; `preceptor client secret {id}` makes another.\n");
        return Ok(ask(&id, "SECRET") + &more);
    }
    let Some(provider) = provider_feature::store::first_registered(conn)? else { return Ok(String::new()) };
    let input = ClientInput {
        name: "Demonstration client".to_owned(),
        role: ClientRole::Provider,
        provider: Some(provider.to_string()),
        university: None,
        scopes: vec![Scope::Provider],
    };
    let act = Act { secret: tokens.keys().secret(), now };
    let (id, secret) = crate::cli::register(conn, &input, &act)?;
    Ok(format!("{}The secret is shown this once. It is that of a provider's client.\n", ask(&id, &secret)))
}

/// The address, a token for each role, and what to ask with them.
pub(super) fn welcome(conn: &mut Conn, tokens: &Tokens, public_url: &str, now: Timestamp) -> Result<String, Error> {
    let mut text = format!("Preceptor serves {public_url}, with its documentation at {public_url}/docs\n\n");
    let mut shown = BTreeMap::new();
    for role in Role::ALL {
        let id = db::transaction(conn, &|conn| crate::cli::principal(conn, *role, None, now))?;
        let token = tokens.issue(id, *role, now, TOKEN_LIFETIME, Uuid::new_v4())?;
        let _ = writeln!(text, "{role}: {token}\n");
        shown.insert(*role, token);
    }
    let token = |role| shown.get(&role).map_or("", String::as_str);
    let program = format!("{public_url}/v1/programs/kestrel-internal-medicine-kumasi");
    let _ = write!(
        text,
        "The tokens hold for {} hours. To try:\n\n\
         curl '{public_url}/v1/programs?country=GH&sort=-score'\n\
         curl {program}/verdict\n\
         curl '{public_url}/v1/red-flag-reports?status=submitted' -H 'Authorization: Bearer {}'\n",
        TOKEN_LIFETIME.as_secs() / 3600,
        token(Role::Moderator)
    );
    Ok(text)
}
