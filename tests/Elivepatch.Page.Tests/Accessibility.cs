namespace Elivepatch.Page.Tests;

/// <summary>Checks that run in the page.</summary>
internal static class Accessibility
{
    /// <summary>Texts whose contrast is less than WCAG 2 asks for at level AA.</summary>
    public const string LowContrast = """
        () => {
            const parse = (color) => { const [r, g, b, a = 1] = color.match(/[\d.]+/g).map(Number); return { r, g, b, a }; };
            const luminance = ({ r, g, b }) => [r, g, b].map((c) => c / 255).map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
                .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
            const ground = (element) => {
                for (let at = element; at; at = at.parentElement) {
                    const color = parse(getComputedStyle(at).backgroundColor);
                    if (color.a === 1) return color;
                }
                return parse('rgb(255, 255, 255)');
            };
            const wrong = [];
            for (const element of document.body.querySelectorAll('*')) {
                const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
                if (!own || !element.checkVisibility()) continue;
                const style = getComputedStyle(element);
                const [a, b] = [luminance(parse(style.color)), luminance(ground(element))].sort((x, y) => y - x);
                const ratio = (a + 0.05) / (b + 0.05);
                const size = parseFloat(style.fontSize);
                const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
                if (ratio < (large ? 3 : 4.5)) wrong.push(`${location.pathname} ${element.tagName}.${element.className} ${ratio.toFixed(2)}: ${element.textContent.trim().slice(0, 40)}`);
            }
            return wrong;
        }
        """;

    /// <summary>What is wrong with headings, landmarks, tables and labels.</summary>
    public const string WrongStructure = """
        () => {
            const wrong = [];
            const expect = (holds, what) => { if (!holds) wrong.push(what); };
            const count = (selector) => document.querySelectorAll(selector).length;
            expect(document.documentElement.lang === 'en', 'no language');
            expect(document.title.length > 10, 'no title');
            expect(count('main') === 1 && count('header') === 1 && count('footer') === 1, 'landmarks');
            expect(count('nav:not([aria-label])') === 0, 'a nav without a name');
            expect(count('h1') === 1, 'not one h1');
            let level = 1;
            for (const heading of document.querySelectorAll('h1, h2, h3, h4')) {
                const next = Number(heading.tagName[1]);
                expect(next <= level + 1, `after h${level} comes ${heading.tagName} ${heading.textContent}`);
                level = next;
            }
            for (const table of document.querySelectorAll('table')) {
                expect(table.caption?.textContent.trim(), 'a table without caption');
                expect([...table.querySelectorAll('th')].every((th) => th.scope), 'a th without scope');
                expect([...table.tBodies[0].rows].every((row) => row.querySelector('th[scope=row]')), 'a row without a header');
            }
            for (const input of document.querySelectorAll('input:not([type=hidden])')) expect(input.labels.length === 1, `no label: ${input.name}`);
            for (const image of document.querySelectorAll('img')) expect(image.hasAttribute('alt'), 'img without alt');
            for (const image of document.querySelectorAll('svg')) expect(image.getAttribute('aria-label'), 'svg without a name');
            for (const box of document.querySelectorAll('[tabindex="0"]')) expect(box.getAttribute('role') && (box.getAttribute('aria-label') || box.getAttribute('aria-labelledby')), 'a box without a name');
            for (const state of document.querySelectorAll('span.state')) expect(state.textContent.trim().length > 3, 'a state by colour alone');
            const ids = [...document.querySelectorAll('[id]')].map((element) => element.id);
            expect(new Set(ids).size === ids.length, `an id twice: ${ids.filter((id, i) => ids.indexOf(id) !== i)}`);
            expect(count('[role=status]') === 1, 'no place for news');
            return wrong;
        }
        """;
}
