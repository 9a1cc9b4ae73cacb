/** Returns the path of the program for this platform. Throws an error if there is none. */
export function binaryPath(): string;
