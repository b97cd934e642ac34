using Elivepatch.Protocol.Api;
using Elivepatch.Server.Security;
using Elivepatch.Server.State;
using Microsoft.Playwright;

namespace Elivepatch.Page.Tests;

/// <summary>Somebody in front of a browser of their own; whatever a page does that it must not do is noted.</summary>
internal sealed class Visit : IAsyncDisposable
{
    private readonly List<string> wrong = [];
    private readonly RunningServer server;
    private readonly IBrowserContext context;

    private Visit(RunningServer server, IBrowserContext context, IPage page)
    {
        (this.server, this.context, Page) = (server, context, page);
        page.Console += (_, said) =>
        {
            if (said.Type is "error" or "warning")
            {
                wrong.Add($"{said.Type}: {said.Text}");
            }
        };
        page.PageError += (_, error) => wrong.Add($"exception: {error}");
        page.Dialog += async (_, dialog) =>
        {
            wrong.Add($"dialog: {dialog.Message}");
            await dialog.DismissAsync();
        };
        page.Request += (_, request) =>
        {
            if (!request.Url.StartsWith(server.Address.AbsoluteUri, StringComparison.Ordinal))
            {
                wrong.Add($"request to elsewhere: {request.Url}");
            }
        };
    }

    public IPage Page { get; }

    /// <summary>What the page did that it must not do.</summary>
    public IReadOnlyList<string> Wrong => wrong;

    /// <summary>Answers with an error are expected from now on: browsers write those to the console.</summary>
    public bool ExpectsErrors { get; set; }

    public static async Task<Visit> BeginAsync(Chromium chromium, RunningServer server, BrowserNewContextOptions? options = null)
    {
        options ??= new();
        options.BaseURL = server.Address.AbsoluteUri;
        options.Locale = "en-GB";
        options.TimezoneId = "UTC";
        var context = await chromium.Browser.NewContextAsync(options);
        context.SetDefaultTimeout(10_000);
        return new(server, context, await context.NewPageAsync());
    }

    /// <summary>Signs in by the form, with a new token of these scopes.</summary>
    public async Task SignInAsync(params string[] scopes)
    {
        var made = await TokenIssuer.IssueAsync(
            server.Get<TokenTable>(),
            new("ops", scopes.Length > 0 ? scopes : [TokenScopes.Read]),
            server.Clock.Now,
            TestContext.Current.CancellationToken
        );
        await SignInWithAsync(made.Value.Secret);
    }

    public async Task SignInWithAsync(string secret)
    {
        await Page.GotoAsync("/sign-in");
        await Page.GetByLabel("Token").FillAsync(secret);
        await Page.GetByRole(AriaRole.Button, new() { Name = "Sign in" }).ClickAsync();
    }

    /// <summary>Signs in where the page asks for it, with a new token.</summary>
    public async Task SignInFromHereAsync()
    {
        var made = await TokenIssuer.IssueAsync(
            server.Get<TokenTable>(),
            new("ops", [TokenScopes.Read]),
            server.Clock.Now,
            TestContext.Current.CancellationToken
        );
        await Page.GetByLabel("Token").FillAsync(made.Value.Secret);
        await Page.GetByRole(AriaRole.Button, new() { Name = "Sign in" }).ClickAsync();
    }

    public Task<string> MainTextAsync() => Page.Locator("main").InnerTextAsync();

    /// <summary>No script error, no violation of the policy, no request to elsewhere.</summary>
    public void MustBeClean() => Assert.True(ExpectsErrors || wrong.Count == 0, string.Join('\n', wrong));

    public async ValueTask DisposeAsync()
    {
        await context.DisposeAsync();
    }
}
