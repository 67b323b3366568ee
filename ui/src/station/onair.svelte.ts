/** What this page itself publishes, wherever in the station the person is: the header tells of it. */
class OnAir {
  publisher = $state.raw<{ readonly channel: string; readonly phase: string } | null>(null);

  get channel(): string | null {
    const { publisher } = this;
    return publisher && ['live', 'backstage', 'held', 'retrying'].includes(publisher.phase) ? publisher.channel : null;
  }
}

export const onAir = new OnAir();
