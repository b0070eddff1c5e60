/** Small choices that are kept between visits: theme, avatar, microphone, open panels. Forgets quietly where storage is blocked. */

/**
 * @param {string} name
 * @returns {string | null}
 */
export function recall(name) {
  try {
    return localStorage.getItem(`musecast.${name}`);
  } catch {
    return null;
  }
}

/**
 * @param {string} name
 * @param {string | null} value `null` forgets.
 */
export function remember(name, value) {
  try {
    if (value === null) localStorage.removeItem(`musecast.${name}`);
    else localStorage.setItem(`musecast.${name}`, value);
  } catch {
    // Storage is blocked: the choice lasts as long as the page.
  }
}
