// The command `elivepatch`. In: words. Out: a result on stdout, progress and problems on stderr, an exit status.

using Elivepatch.Client;
using Elivepatch.Client.Commands;
using Elivepatch.Terminal;

// Before the console is opened, which changes how a terminal is set: the other program is to find it as it was.
var refused = AuthorProgram.Handles(args) ? AuthorProgram.OfProcess().ReplaceProcess(args) : null;
var session = MachineSession.OfProcess();
return refused is null
    ? await CommandLine.RunAsync(args, session)
    : Answer.Fail(session, [refused], asJson: args.Contains("--json"), CancellationToken.None);
