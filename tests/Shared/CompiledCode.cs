using System.Reflection.Emit;
using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;
using System.Reflection.PortableExecutable;

namespace Elivepatch.Tests;

/// <summary>What the types of an assembly use: members of other assemblies, and the texts in their code.</summary>
internal static class CompiledCode
{
    private static readonly Dictionary<short, OpCode> opcodes = typeof(OpCodes)
        .GetFields()
        .Select(f => f.GetValue(null))
        .OfType<OpCode>()
        .ToDictionary(o => o.Value);

    /// <summary>A type, by the outermost one that it is in.</summary>
    public sealed record UsedBy(string Namespace, string Type, IReadOnlySet<string> Assemblies, List<string> Texts);

    public static IEnumerable<UsedBy> Read(string path)
    {
        using var file = new PEReader(File.OpenRead(path));
        var reader = file.GetMetadataReader();
        foreach (var handle in reader.TypeDefinitions)
        {
            var type = reader.GetTypeDefinition(handle);
            var (assemblies, texts) = (new HashSet<string>(), new List<string>());
            foreach (var method in type.GetMethods().Select(reader.GetMethodDefinition).Where(m => m.RelativeVirtualAddress != 0))
            {
                ReadBody(reader, file.GetMethodBody(method.RelativeVirtualAddress).GetILBytes()!, assemblies, texts);
            }

            var outermost = type;
            while (!outermost.GetDeclaringType().IsNil)
            {
                outermost = reader.GetTypeDefinition(outermost.GetDeclaringType());
            }

            yield return new(reader.GetString(outermost.Namespace), reader.GetString(outermost.Name), assemblies, texts);
        }
    }

    // ECMA-335, partition III: an opcode of one byte, or of two that begin with 0xfe; then its operand.
    private static void ReadBody(MetadataReader reader, byte[] code, HashSet<string> assemblies, List<string> texts)
    {
        for (var at = 0; at < code.Length; )
        {
            var value = code[at] == 0xfe ? (short)(0xfe00 | code[at + 1]) : code[at];
            at += code[at] == 0xfe ? 2 : 1;
            switch (opcodes[value].OperandType)
            {
                case OperandType.InlineNone:
                    break;
                case OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar:
                    at += 1;
                    break;
                case OperandType.InlineVar:
                    at += 2;
                    break;
                case OperandType.InlineI8 or OperandType.InlineR:
                    at += 8;
                    break;
                case OperandType.InlineSwitch:
                    at += 4 + (4 * BitConverter.ToInt32(code, at));
                    break;
                case OperandType.InlineString:
                    texts.Add(reader.GetUserString((UserStringHandle)MetadataTokens.Handle(BitConverter.ToInt32(code, at))));
                    at += 4;
                    break;
                case OperandType.InlineMethod or OperandType.InlineField or OperandType.InlineType or OperandType.InlineTok:
                    if (AssemblyOf(reader, MetadataTokens.EntityHandle(BitConverter.ToInt32(code, at))) is { } assembly)
                    {
                        assemblies.Add(assembly);
                    }

                    at += 4;
                    break;
                default:
                    at += 4;
                    break;
            }
        }
    }

    private static string? AssemblyOf(MetadataReader reader, EntityHandle handle) =>
        handle.Kind switch
        {
            HandleKind.MemberReference => AssemblyOf(reader, reader.GetMemberReference((MemberReferenceHandle)handle).Parent),
            HandleKind.MethodSpecification => AssemblyOf(
                reader,
                reader.GetMethodSpecification((MethodSpecificationHandle)handle).Method
            ),
            HandleKind.TypeReference
                when reader.GetTypeReference((TypeReferenceHandle)handle).ResolutionScope
                    is { Kind: HandleKind.AssemblyReference } scope => reader.GetString(
                reader.GetAssemblyReference((AssemblyReferenceHandle)scope).Name
            ),
            HandleKind.TypeReference
                when reader.GetTypeReference((TypeReferenceHandle)handle).ResolutionScope is { IsNil: false } outer => AssemblyOf(
                reader,
                outer
            ),
            _ => null,
        };
}
