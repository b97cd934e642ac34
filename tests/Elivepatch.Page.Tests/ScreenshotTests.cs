using Microsoft.Playwright;

namespace Elivepatch.Page.Tests;

/// <summary>The pictures in the documentation. ELIVEPATCH_UPDATE=1 takes them again.</summary>
public sealed class ScreenshotTests(Chromium chromium)
{
    private static readonly (string Name, string Path, int Width, int Height, ColorScheme Scheme)[] pictures =
    [
        ("builds", "/", 1120, 720, ColorScheme.Light),
        ("build", "/builds/" + SeededState.Id(1), 1120, 1500, ColorScheme.Light),
        ("build-dark", "/builds/" + SeededState.Id(0), 1120, 1000, ColorScheme.Dark),
        ("machines", "/machines", 1120, 520, ColorScheme.Light),
        ("phone", "/", 390, 844, ColorScheme.Light),
    ];

    [Fact]
    public async Task The_pictures_of_the_documentation_can_be_taken()
    {
        await using var server = await RunningServer.StartAsync(SeededState.Options);
        await SeededState.FillAsync(server);
        var isUpdate = Environment.GetEnvironmentVariable("ELIVEPATCH_UPDATE") == "1";
        foreach (var (name, path, width, height, scheme) in pictures)
        {
            await using var visit = await Visit.BeginAsync(
                chromium,
                server,
                new()
                {
                    ViewportSize = new() { Width = width, Height = height },
                    ColorScheme = scheme,
                    ReducedMotion = ReducedMotion.Reduce,
                }
            );
            await visit.SignInAsync();
            await visit.Page.GotoAsync(path);
            var file = Path.Combine(Repository.Root, "docs/images", $"{name}.png");
            if (isUpdate)
            {
                Directory.CreateDirectory(Path.GetDirectoryName(file)!);
                await visit.Page.ScreenshotAsync(new() { Path = file });
            }

            Assert.InRange(new FileInfo(file).Length, 5_000, 200_000);
            visit.MustBeClean();
        }
    }
}
