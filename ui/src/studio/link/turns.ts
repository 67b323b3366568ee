/** How long a command waits for the answer to the one before, in ms. */
const PATIENCE_MS = 100;

/**
 * Sends commands in the order in which they were given. Each is a request of its own, and two that are on
 * their way together may arrive in either order; so each waits until the one before was answered. Not for
 * long: a command that takes its time must not hold back a change of scenes.
 */
export class Turns {
  #before: Promise<unknown> = Promise.resolve();

  take<T>(send: () => Promise<T>): Promise<T> {
    const mine = this.#before.then(send);
    this.#before = this.#before.then(() => settled(mine));
    return mine;
  }
}

async function settled(answer: Promise<unknown>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise((resolve) => {
    timer = setTimeout(resolve, PATIENCE_MS);
  });
  await Promise.race([answer.catch(() => undefined), late]);
  clearTimeout(timer);
}
