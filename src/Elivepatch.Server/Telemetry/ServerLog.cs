using System.Globalization;
using Microsoft.Extensions.Logging.Console;

namespace Elivepatch.Server.Telemetry;

/// <summary>The log: one JSON object a line on stderr, or lines for people where a terminal shows them.</summary>
internal static class ServerLog
{
    /// <summary>Adds it.</summary>
    /// <param name="logging">The host's logging.</param>
    /// <param name="isTerminal">True where somebody watches.</param>
    public static void Add(ILoggingBuilder logging, bool isTerminal)
    {
        logging.SetMinimumLevel(LogLevel.Information);
        // What every request costs two lines for is in the audit log and in the traces.
        logging.AddFilter("Microsoft", LogLevel.Warning);
        // Why the server does not start is said by itself, in one line and without its stack.
        logging.AddFilter("Microsoft.Extensions.Hosting.Internal.Host", LogLevel.Critical);
        logging.AddFilter(typeof(Security.TokenAuthentication).FullName, LogLevel.Warning);
        // Stdout is for what the server says when it starts.
        logging.Services.Configure<ConsoleLoggerOptions>(o => o.LogToStandardErrorThreshold = LogLevel.Trace);
        if (isTerminal)
        {
            logging.AddSimpleConsole(o =>
            {
                o.SingleLine = true;
                o.TimestampFormat = "HH:mm:ss ";
            });
        }
        else
        {
            logging.AddJsonConsole(o =>
            {
                o.UseUtcTimestamp = true;
                o.TimestampFormat = CultureInfo.InvariantCulture.DateTimeFormat.UniversalSortableDateTimePattern;
                o.IncludeScopes = true;
            });
        }
    }
}
