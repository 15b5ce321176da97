//! Makes the adapter of each provider that the configuration names.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use rustls::ClientConfig;
use url::Url;

use super::Parts;
use super::parts::blobs;
use crate::clock::Clock;
use crate::config::{ProviderConfig, ProviderKind, Secret};
use crate::provider::smtp::{Dkim, Server, tls};
use crate::provider::{
    Files, Http, HttpSettings, Provider, SendGrid, SendGridSettings, Smtp, SmtpSettings, Twilio, TwilioSettings, Wire,
    client, sendgrid, twilio,
};
use crate::signature::SigningKey;

/// What adapters share.
pub(super) struct Workshop {
    client: reqwest::Client,
    clock: Clock,
    files: Files,
    tls: Option<Arc<ClientConfig>>,
    /// Where services call back.
    public_url: Option<Url>,
}

impl Workshop {
    pub(super) fn new(parts: &Parts) -> anyhow::Result<Self> {
        let speaks_smtp = parts.config.providers.iter().any(|provider| provider.kind == ProviderKind::Smtp);
        Ok(Self {
            client: client()?,
            clock: parts.clock.clone(),
            files: Files::new(blobs(&parts.config).context("attachments")?),
            tls: if speaks_smtp { tls() } else { None },
            public_url: parts.config.public_url.clone(),
        })
    }

    /// The adapter of one provider.
    pub(super) fn adapter(&self, provider: &ProviderConfig) -> anyhow::Result<Arc<dyn Provider>> {
        let timeout = Duration::from_millis(provider.timeout_ms);
        let wire = Wire { client: self.client.clone(), clock: self.clock.clone(), timeout };
        Ok(match provider.kind {
            ProviderKind::Http => Arc::new(Http::new(http(provider)?, wire)?),
            ProviderKind::Twilio => Arc::new(Twilio::new(self.twilio(provider)?, wire)),
            ProviderKind::SendGrid => Arc::new(SendGrid::new(self.sendgrid(provider)?, wire, self.files.clone())),
            ProviderKind::Smtp => {
                Arc::new(Smtp::new(self.smtp(provider, timeout)?, self.files.clone(), self.clock.clone()))
            }
        })
    }

    fn twilio(&self, provider: &ProviderConfig) -> anyhow::Result<TwilioSettings> {
        let account_sid = provider.account_sid.clone().context("account_sid")?;
        let (user, password) = match (&provider.api_key_sid, &provider.api_key_secret) {
            (Some(key), Some(secret)) => (key.clone(), secret.expose().to_owned()),
            _ => (account_sid.clone(), exposed(provider.auth_token.as_ref()).context("auth_token")?),
        };
        let path = format!("/api/webhooks/twilio/{}", provider.name);
        Ok(TwilioSettings {
            base_url: base_url(provider, twilio::BASE_URL)?,
            account_sid,
            user,
            password,
            messaging_service_sid: provider.messaging_service_sid.clone(),
            callback_url: self.public_url()?.join(&path)?.to_string(),
        })
    }

    fn sendgrid(&self, provider: &ProviderConfig) -> anyhow::Result<SendGridSettings> {
        Ok(SendGridSettings {
            base_url: base_url(provider, sendgrid::BASE_URL)?,
            api_key: exposed(provider.api_key.as_ref()).context("api_key")?,
            host: self.host()?,
        })
    }

    fn smtp(&self, provider: &ProviderConfig, timeout: Duration) -> anyhow::Result<SmtpSettings> {
        let host = self.host()?;
        let dkim = match (&provider.dkim_domain, &provider.dkim_selector, &provider.dkim_key_file) {
            (Some(domain), Some(selector), Some(file)) => {
                let pem = std::fs::read_to_string(file).with_context(|| format!("dkim_key_file {}", file.display()))?;
                Some(Dkim::new(domain, selector, &pem).context("dkim_key_file")?)
            }
            _ => None,
        };
        let server = Server::read(provider.url.as_deref().unwrap_or_default(), &host).context("url")?;
        Ok(SmtpSettings { server, timeout, host, dkim, tls: self.tls.clone() })
    }

    fn host(&self) -> anyhow::Result<String> {
        Ok(self.public_url()?.host_str().context("public_url")?.to_owned())
    }

    fn public_url(&self) -> anyhow::Result<&Url> {
        self.public_url.as_ref().context("public_url")
    }
}

fn http(provider: &ProviderConfig) -> anyhow::Result<HttpSettings> {
    let life = Duration::from_secs(provider.idempotency_hours * 3600);
    let header = provider.idempotency_header.as_deref().map(str::parse).transpose()?;
    let key = provider.signing_secret.as_ref().map(|secret| SigningKey::read(secret.expose())).transpose()?;
    Ok(HttpSettings {
        url: Url::parse(provider.url.as_deref().unwrap_or_default())?,
        idempotency: header.map(|header| (header, life)),
        lookup_url: provider.lookup_url.clone(),
        signing_key: key,
    })
}

fn base_url(provider: &ProviderConfig, own: &str) -> anyhow::Result<Url> {
    Url::parse(provider.base_url.as_deref().unwrap_or(own)).context("base_url")
}

fn exposed(secret: Option<&Secret>) -> Option<String> {
    secret.map(|secret| secret.expose().to_owned())
}
