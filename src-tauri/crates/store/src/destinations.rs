//! Destinations, without their secrets.

use api::{Destination, DestinationState, DestinationTarget, Rendition};
use rusqlite::types::Type;
use rusqlite::{OptionalExtension, Row, params};

use crate::{Error, Store};

const COLUMNS: &str = "id, name, protocol, url, has_secret, enabled, platform, delay_seconds, test,
     rendition_height, rendition_bitrate, follow";

impl Store {
    /// All destinations in their order, each [`DestinationState::Off`].
    ///
    /// # Errors
    /// [`Error::Query`].
    pub fn destinations(&self) -> Result<Vec<Destination>, Error> {
        let inner = self.inner.lock();
        let mut statement = inner.connection.prepare_cached(&format!(
            "SELECT {COLUMNS} FROM destinations ORDER BY place, id"
        ))?;
        let all = statement.query_map([], destination)?;
        Ok(all.collect::<Result<_, _>>()?)
    }

    /// The destination of this identity.
    ///
    /// # Errors
    /// [`Error::Query`].
    pub fn destination(&self, id: &str) -> Result<Option<Destination>, Error> {
        let inner = self.inner.lock();
        let mut statement = inner
            .connection
            .prepare_cached(&format!("SELECT {COLUMNS} FROM destinations WHERE id = ?1"))?;
        Ok(statement.query_row([id], destination).optional()?)
    }

    /// Adds a destination at the end, or replaces the one of the same identity in its place. Its
    /// state is not kept, nor is advice.
    ///
    /// # Errors
    /// [`Error::Query`].
    pub fn put_destination(&self, destination: &Destination) -> Result<(), Error> {
        let (protocol, url) = match &destination.target {
            DestinationTarget::Rtmp { url } => ("rtmp", url),
            DestinationTarget::Whip { url } => ("whip", url),
        };
        let inner = self.inner.lock();
        inner
            .connection
            .prepare_cached(
                "INSERT INTO destinations (id, place, name, protocol, url, has_secret, enabled,
                     platform, delay_seconds, test, rendition_height, rendition_bitrate, follow)
                 VALUES (?1, (SELECT coalesce(max(place) + 1, 0) FROM destinations), ?2, ?3, ?4, ?5, ?6,
                     ?7, ?8, ?9, ?10, ?11, ?12)
                 ON CONFLICT (id) DO UPDATE SET name = ?2, protocol = ?3, url = ?4,
                     has_secret = ?5, enabled = ?6, platform = ?7, delay_seconds = ?8, test = ?9,
                     rendition_height = ?10, rendition_bitrate = ?11, follow = ?12",
            )?
            .execute(params![
                destination.id,
                destination.name,
                protocol,
                url,
                destination.has_secret,
                destination.enabled,
                destination.platform,
                destination.delay_seconds,
                destination.test,
                destination.rendition.map(|own| own.height),
                destination.rendition.map(|own| own.bitrate),
                destination.follow
            ])?;
        Ok(())
    }

    /// Deletes a destination; `false` when there was none.
    ///
    /// # Errors
    /// [`Error::Query`].
    pub fn remove_destination(&self, id: &str) -> Result<bool, Error> {
        let inner = self.inner.lock();
        let mut statement = inner
            .connection
            .prepare_cached("DELETE FROM destinations WHERE id = ?1")?;
        Ok(statement.execute([id])? > 0)
    }
}

fn destination(row: &Row<'_>) -> rusqlite::Result<Destination> {
    let protocol: String = row.get(2)?;
    let url = row.get(3)?;
    let target = match protocol.as_str() {
        "rtmp" => DestinationTarget::Rtmp { url },
        "whip" => DestinationTarget::Whip { url },
        other => {
            let reason = format!("no such protocol: {other}");
            return Err(rusqlite::Error::FromSqlConversionFailure(
                2,
                Type::Text,
                reason.into(),
            ));
        }
    };
    let own: (Option<u32>, Option<u32>) = (row.get(9)?, row.get(10)?);
    let own = own.0.zip(own.1);
    Ok(Destination {
        id: row.get(0)?,
        name: row.get(1)?,
        target,
        has_secret: row.get(4)?,
        enabled: row.get(5)?,
        platform: row.get(6)?,
        delay_seconds: row.get(7)?,
        test: row.get(8)?,
        rendition: own.map(|(height, bitrate)| Rendition { height, bitrate }),
        encoded: None,
        follow: row.get(11)?,
        advice: Vec::new(),
        recent: Vec::new(),
        until: None,
        state: DestinationState::Off,
    })
}
