using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.FileProviders;

namespace Elivepatch.ServiceBench;

/// <summary>
/// What the service is compared with: Kestrel, the same server, that serves files of a folder and does nothing else.
/// </summary>
internal static class StaticFiles
{
    /// <summary>Serves until its input ends; says its address first.</summary>
    public static async Task ServeAsync(string folder)
    {
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.WebHost.UseKestrelCore().UseUrls("http://127.0.0.1:0");
        await using var application = builder.Build();
        application.UseStaticFiles(
            new StaticFileOptions { FileProvider = new PhysicalFileProvider(folder), ServeUnknownFileTypes = true }
        );
        application.Run(context =>
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return Task.CompletedTask;
        });
        await application.StartAsync();
        Console.WriteLine(application.Urls.First());
        await Console.In.ReadToEndAsync();
    }
}
