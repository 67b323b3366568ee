//! Links that the host hands out, and those who publish to the station.

use api::{AccessLink, ChatRoom, Code, LinkKind, NewAccessLink, Problem, Publisher};
use server::Link;
use server::Station;

use crate::links;
use crate::studio::Shared;

impl Shared {
    /// Who publishes to the station, those that wait for the host first.
    pub(crate) fn publishers(&self) -> Vec<Publisher> {
        let station = self.station.read();
        station.as_ref().map_or_else(Vec::new, Station::publishers)
    }

    /// Channels that ask for a passphrase, and chat rooms with rules or bans.
    pub(crate) fn rooms(&self) -> (Vec<String>, Vec<ChatRoom>) {
        let station = self.station.read();
        let both = station.as_ref().map(|s| (s.private(), s.rooms()));
        both.unwrap_or_default()
    }

    /// Whether people reach the station by other addresses or another name than was shown last.
    pub(crate) fn network_changed(&self) -> bool {
        let station = self.station.read();
        let Some(station) = station.as_ref() else {
            return false;
        };
        let now = links::places(station.http_addr(), station.local_name());
        self.state.lock().places != now
    }

    /// What is wrong with the station at the moment.
    pub(crate) fn station_problems(&self) -> Vec<Problem> {
        let station = self.station.read();
        station.as_ref().map_or_else(Vec::new, Station::problems)
    }

    /// Has the station do something.
    pub(crate) fn with_station<T>(
        &self,
        act: impl FnOnce(&Station) -> Result<T, Problem>,
    ) -> Result<T, Problem> {
        match self.station.read().as_ref() {
            Some(station) => act(station),
            None => Err(Problem::new(
                Code::Conflict,
                "The station is not running; try again in a moment.",
            )),
        }
    }

    pub(crate) fn create_link(&self, link: NewAccessLink) -> Result<(), Problem> {
        self.with_station(|station| station.create_link(link))?;
        self.show_links();
        Ok(())
    }

    pub(crate) fn revoke_link(&self, id: &str) -> Result<(), Problem> {
        self.with_station(|station| station.revoke_link(id))?;
        self.show_links();
        Ok(())
    }

    pub(crate) fn regenerate_link(&self, id: &str) -> Result<(), Problem> {
        self.with_station(|station| station.regenerate_link(id))?;
        self.show_links();
        Ok(())
    }

    /// Brings the addresses of the links into the snapshot. Codes are drawn here, once, and not for
    /// every snapshot.
    pub(crate) fn show_links(&self) {
        let station = self.station.read();
        let Some(station) = station.as_ref() else {
            return;
        };
        let (http, https) = (station.http_addr(), station.https_addr());
        let places = links::places(http, station.local_name());
        let reach = links::watch_links(&places, http, https);
        let (plain, secure) = match reach.first() {
            Some(first) => (first.http.clone(), first.https.clone()),
            None => (links::local_base("http", http), None),
        };
        let secure = secure.unwrap_or_else(|| plain.clone());
        // The state's lock is taken first, so that of two changes the later one is shown last.
        let mut state = self.state.lock();
        let kept = station.links().into_iter();
        state.access = kept.map(|link| shown(link, &plain, &secure)).collect();
        state.links = reach;
        state.places = places;
    }
}

/// A link as people see it. Watching needs nothing but the plain address; a page that publishes gets
/// a camera over HTTPS alone, and what opens more than watching should not be read on the way.
fn shown(Link { kept: link, secret }: Link, plain: &str, secure: &str) -> AccessLink {
    let base = if link.kind == LinkKind::Watch {
        plain
    } else {
        secure
    };
    let Some(secret) = secret else {
        return AccessLink {
            id: link.id,
            kind: link.kind,
            name: link.name,
            channel: link.channel,
            created: link.created,
            expires: link.expires,
            url: String::new(),
            secret: String::new(),
            qr: String::new(),
        };
    };
    // Without a channel it opens any: it leads to where all are listed.
    let url = match (link.kind, &link.channel) {
        (LinkKind::Watch, Some(channel)) => format!("{base}/watch/{channel}?key={secret}"),
        (LinkKind::Watch, None) => format!("{base}/?key={secret}"),
        (LinkKind::Publish, Some(channel)) => {
            format!("{base}/broadcast?channel={channel}&key={secret}")
        }
        (LinkKind::Publish, None) => format!("{base}/broadcast?key={secret}"),
        // The page speaks to a guest before it asks the station.
        (LinkKind::Guest, Some(channel)) => {
            format!("{base}/broadcast?channel={channel}&key={secret}&guest")
        }
        (LinkKind::Guest, None) => format!("{base}/broadcast?key={secret}&guest"),
        // Behind the number sign a secret stays in the browser.
        (LinkKind::Moderate, Some(channel)) => format!("{base}/watch/{channel}#moderate={secret}"),
        (LinkKind::Moderate, None) => format!("{base}/#moderate={secret}"),
        (LinkKind::Control, _) => format!("{base}/studio#token={secret}"),
    };
    AccessLink {
        qr: links::qr(&url),
        url,
        id: link.id,
        kind: link.kind,
        name: link.name,
        channel: link.channel,
        created: link.created,
        expires: link.expires,
        secret,
    }
}

#[cfg(test)]
mod tests {
    use store::KeptLink;

    use super::*;

    #[test]
    fn each_kind_of_link_leads_where_it_opens_something() {
        let plain = "http://192.168.1.20:8080";
        let secure = "https://192.168.1.20:8443";
        for (kind, channel, expect) in [
            (LinkKind::Watch, None, "http://192.168.1.20:8080/?key=s3"),
            (
                LinkKind::Watch,
                Some("a"),
                "http://192.168.1.20:8080/watch/a?key=s3",
            ),
            (
                LinkKind::Publish,
                None,
                "https://192.168.1.20:8443/broadcast?key=s3",
            ),
            (
                LinkKind::Publish,
                Some("a"),
                "https://192.168.1.20:8443/broadcast?channel=a&key=s3",
            ),
            (
                LinkKind::Guest,
                Some("maria"),
                "https://192.168.1.20:8443/broadcast?channel=maria&key=s3&guest",
            ),
            (
                LinkKind::Moderate,
                Some("a"),
                "https://192.168.1.20:8443/watch/a#moderate=s3",
            ),
            (
                LinkKind::Moderate,
                None,
                "https://192.168.1.20:8443/#moderate=s3",
            ),
            (
                LinkKind::Control,
                None,
                "https://192.168.1.20:8443/studio#token=s3",
            ),
        ] {
            let kept = KeptLink {
                id: "1".into(),
                kind,
                name: "Link".into(),
                channel: channel.map(str::to_owned),
                hash: [0; 32],
                turn: 0,
                created: 0,
                expires: None,
            };
            let secret = Some("s3".to_owned());
            let of = |kept, secret| shown(Link { kept, secret }, plain, secure);
            let link = of(kept.clone(), secret);
            assert_eq!(link.url, expect);
            assert!(link.qr.starts_with("<svg"));
            // One whose key is not at hand says no address that would open nothing.
            let link = of(kept, None);
            assert_eq!((&*link.url, &*link.secret, &*link.qr), ("", "", ""));
        }
    }
}
