// The service `elivepatchd`. In: words, settings. Out: a server that listens until it is told to end, or the result of a verb.

using Elivepatch.Server.Commands;

return await CommandLine.RunAsync(args, Session.OfProcess());
