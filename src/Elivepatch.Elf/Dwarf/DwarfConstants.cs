// The numbers of the DWARF standard that this reader knows (version 5, chapter 7; version 4 is a subset, and the old bit
// field attribute is of version 2).
namespace Elivepatch.Elf.Dwarf;

/// <summary>DW_TAG_*.</summary>
internal enum DwarfTag : ushort
{
    ArrayType = 0x01,
    EnumerationType = 0x04,
    FormalParameter = 0x05,
    Member = 0x0d,
    PointerType = 0x0f,
    CompileUnit = 0x11,
    StructureType = 0x13,
    SubroutineType = 0x15,
    Typedef = 0x16,
    UnionType = 0x17,
    UnspecifiedParameters = 0x18,
    InlinedSubroutine = 0x1d,
    SubrangeType = 0x21,
    BaseType = 0x24,
    ConstType = 0x26,
    Enumerator = 0x28,
    Subprogram = 0x2e,
    Variable = 0x34,
    VolatileType = 0x35,
    RestrictType = 0x37,
    UnspecifiedType = 0x3b,
    AtomicType = 0x47,
}

/// <summary>DW_AT_*.</summary>
internal enum DwarfAttribute : ushort
{
    Location = 0x02,
    Name = 0x03,
    ByteSize = 0x0b,
    BitOffset = 0x0c,
    BitSize = 0x0d,
    StatementList = 0x10,
    LowPc = 0x11,
    ConstValue = 0x1c,
    Inline = 0x20,
    UpperBound = 0x2f,
    AbstractOrigin = 0x31,
    Count = 0x37,
    DataMemberLocation = 0x38,
    DeclarationFile = 0x3a,
    DeclarationLine = 0x3b,
    Declaration = 0x3c,
    Encoding = 0x3e,
    External = 0x3f,
    Specification = 0x47,
    Type = 0x49,
    Ranges = 0x55,
    DataBitOffset = 0x6b,
    StringOffsetsBase = 0x72,
    AddressBase = 0x73,
    RangeListsBase = 0x74,
    NoReturn = 0x87,
}

/// <summary>DW_FORM_*.</summary>
internal enum DwarfForm : ushort
{
    Address = 0x01,
    Block2 = 0x03,
    Block4 = 0x04,
    Data2 = 0x05,
    Data4 = 0x06,
    Data8 = 0x07,
    String = 0x08,
    Block = 0x09,
    Block1 = 0x0a,
    Data1 = 0x0b,
    Flag = 0x0c,
    SignedData = 0x0d,
    StringOffset = 0x0e,
    UnsignedData = 0x0f,
    ReferenceAddress = 0x10,
    Reference1 = 0x11,
    Reference2 = 0x12,
    Reference4 = 0x13,
    Reference8 = 0x14,
    ReferenceUnsigned = 0x15,
    SectionOffset = 0x17,
    Expression = 0x18,
    FlagPresent = 0x19,
    Data16 = 0x1e,
    LineStringOffset = 0x1f,
    Signature = 0x20,
    ImplicitConst = 0x21,
}
