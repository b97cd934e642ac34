// In: a component and what it shows. Out: the page, rendered to its end before the first byte is sent, with headers that let a
// browser load nothing and run nothing but this server's own files.

using System.Text;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Web;

namespace Elivepatch.Server.Pages;

/// <summary>An answer that is a page.</summary>
/// <typeparam name="TPage">Its component, with the parameters <c>View</c> and <c>Model</c>.</typeparam>
/// <typeparam name="TModel">What it shows.</typeparam>
internal sealed class PageResult<TPage, TModel>(TModel model, int status = StatusCodes.Status200OK) : IResult
    where TPage : IComponent
{
    /// <inheritdoc/>
    public async Task ExecuteAsync(HttpContext httpContext)
    {
        var view = PageView.Of(httpContext);
        var services = httpContext.RequestServices;
        await using var renderer = new HtmlRenderer(services, services.GetRequiredService<ILoggerFactory>());
        var html = await renderer.Dispatcher.InvokeAsync(async () =>
        {
            var page = await renderer.RenderComponentAsync<TPage>(
                ParameterView.FromDictionary(new Dictionary<string, object?> { ["View"] = view, ["Model"] = model })
            );
            return page.ToHtmlString();
        });
        PageHeaders.Set(httpContext.Response);
        httpContext.Response.StatusCode = status;
        httpContext.Response.ContentType = "text/html; charset=utf-8";
        await httpContext.Response.Body.WriteAsync(Encoding.UTF8.GetBytes(html), httpContext.RequestAborted);
    }
}
