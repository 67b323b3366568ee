//! How many connections there may be, in all and from one address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Counts connections.
#[derive(Debug)]
pub(crate) struct Gate {
    free: Arc<Semaphore>,
    addresses: Mutex<HashMap<IpAddr, usize>>,
    per_address: usize,
}

impl Gate {
    /// For so many connections in all, and from one address.
    pub(crate) fn new(connections: usize, per_address: usize) -> Arc<Self> {
        Arc::new(Self {
            free: Arc::new(Semaphore::new(connections)),
            addresses: Mutex::default(),
            per_address,
        })
    }

    /// A place for a connection from this address, if there is one. The machine's own addresses
    /// have as many as there are.
    pub(crate) fn enter(self: &Arc<Self>, address: IpAddr) -> Option<Pass> {
        let permit = Arc::clone(&self.free).try_acquire_owned().ok()?;
        let address = address.to_canonical();
        if !address.is_loopback() {
            let mut addresses = self.addresses.lock();
            let count = addresses.entry(address).or_default();
            if *count >= self.per_address {
                return None;
            }
            *count += 1;
        }
        Some(Pass {
            gate: Arc::clone(self),
            address,
            _permit: permit,
        })
    }
}

/// A place among the connections, given back when dropped.
#[derive(Debug)]
pub(crate) struct Pass {
    gate: Arc<Gate>,
    address: IpAddr,
    _permit: OwnedSemaphorePermit,
}

impl Drop for Pass {
    fn drop(&mut self) {
        let mut addresses = self.gate.addresses.lock();
        if let Some(count) = addresses.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                addresses.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_cannot_take_every_place() {
        let gate = Gate::new(10, 3);
        let greedy = "192.168.1.66".parse().unwrap();
        let mut passes: Vec<_> = (0..5).filter_map(|_| gate.enter(greedy)).collect();
        assert_eq!(passes.len(), 3);
        let same = "::ffff:192.168.1.66".parse().unwrap();
        assert!(
            gate.enter(same).is_none(),
            "the same address, written as IPv6"
        );
        assert!(gate.enter("192.168.1.67".parse().unwrap()).is_some());
        passes.pop();
        passes.extend(gate.enter(greedy));
        assert_eq!(passes.len(), 3);
        let local = "127.0.0.1".parse().unwrap();
        let own: Vec<_> = (0..20).filter_map(|_| gate.enter(local)).collect();
        assert_eq!(
            own.len(),
            7,
            "the machine itself is limited by the whole only"
        );
        drop((passes, own));
        assert!(gate.addresses.lock().is_empty());
        assert_eq!(gate.free.available_permits(), 10);
    }
}
