namespace Elivepatch.Server.Security;

/// <summary>Text of a client's as it may stand in a message.</summary>
internal static class PlainText
{
    /// <summary>The first characters of a text, with a question mark for all that is not printable ASCII.</summary>
    public static string Of(string text, int most) =>
        string.Concat(text.Take(most).Select(c => char.IsAscii(c) && !char.IsControl(c) ? c : '?'));
}
